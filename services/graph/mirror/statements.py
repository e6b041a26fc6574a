"""All of the mirror's Cypher: constant text for each label and type, so that what people write stays a parameter.

Every entity has a version, and only a newer one changes it; what is deleted leaves its version behind. So nothing that comes late, twice
or in another order does any harm.
"""

from collections.abc import Mapping

from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType

LABELS = {kind: kind.title() for kind in ArtifactType}
_ALL_LABELS = "".join(f":{label}" for label in LABELS.values())
SPECIFIC = [kind for kind in LinkType if kind is not LinkType.LINKED_TO]

NAMES = {
    ArtifactType.TASK: "title",
    ArtifactType.FILE: "name",
    ArtifactType.PAGE: "name",
    ArtifactType.MESSAGE: "contentPreview",
    ArtifactType.THREAD: "title",
    ArtifactType.ATTACHMENT: "name",
}
"""The property that a thing is known by (spec 4, Node Labels)."""

_UNIQUE = {f"{label.lower()}_id": label for label in ("Artifact", *LABELS.values(), "DeletedLink", "Mirror")}
SCHEMA = [
    *(f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE n.id IS UNIQUE" for name, label in _UNIQUE.items()),
    *(f"CREATE INDEX {kind.lower()}_id IF NOT EXISTS FOR ()-[l:{kind}]-() ON (l.id)" for kind in LinkType),
]
# Whoever leaves while Neo4j makes a constraint leaves its index there, which is never finished, and under whose name none can be made.
ORPHANS = f"""
    SHOW INDEXES YIELD name, entityType, owningConstraint
    WHERE entityType = 'NODE' AND owningConstraint IS NULL AND name IN {[*_UNIQUE]} RETURN name"""
DROP_ORPHAN = {name: f"DROP INDEX {name} IF EXISTS" for name in _UNIQUE}
AWAIT_SCHEMA = "CALL db.awaitIndexes(60)"

# Newer than what is there: rows are {id, version, …}. Times come as numbers: to pack one takes the driver longer than Neo4j its link.
_NEWER = "coalesce({of}.version, -1) < row.version"
_CREATED = "createdAt = datetime.fromepoch(row.seconds, row.nanoseconds)"

PUT_ARTIFACTS = {
    kind: f"""
        UNWIND $rows AS row MERGE (n:Artifact {{id: row.id}})
        WITH n, row WHERE {_NEWER.format(of="n")}
        SET n = row.properties, n.{_CREATED} SET n:{label} REMOVE n:Deleted"""
    for kind, label in LABELS.items()
}
DELETE_ARTIFACTS = f"""
    UNWIND $rows AS row MERGE (n:Artifact {{id: row.id}})
    WITH n, row WHERE {_NEWER.format(of="n")}
    SET n = {{id: row.id, version: row.version}} SET n:Deleted REMOVE n{_ALL_LABELS}"""

LINK_PROPERTIES = ("id", "version", "type", "sourceType", "targetType", "derived", "createdBy")
LINK_ROW = ("source", "target", *LINK_PROPERTIES, "seconds", "nanoseconds")
"""What a link's row has, in this order: the statements that make links get its values alone, which is a third less to send and read."""
_NAMED = {name: f"row.{name}" for name in LINK_ROW}
_PLACED = {name: f"row[{place}]" for place, name in enumerate(LINK_ROW)}


def _link(at: Mapping[str, str]) -> str:
    same = ", ".join(f"{name}: {at[name]}" for name in LINK_PROPERTIES)
    return f"{{{same}, createdAt: datetime.fromepoch({at['seconds']}, {at['nanoseconds']})}}"


def _by_kind(link: str, specific: str) -> Mapping[tuple[LinkType, bool], str]:
    """Statements by the type, and whether the link begins at its task, as its specific edge does."""
    return {(LinkType.LINKED_TO, along): link for along in (True, False)} | {
        (kind, along): link + specific.format(kind=kind, task=task, other=other)
        for kind in SPECIFIC
        for along, task, other in ((True, "source", "target"), (False, "target", "source"))
    }


_PUT_LINK = f"""
    UNWIND $rows AS row MERGE (source:Artifact {{id: row.source}}) MERGE (target:Artifact {{id: row.target}})
    MERGE (source)-[l:LINKED_TO {{id: row.id}}]->(target)
    WITH source, target, l, row WHERE {_NEWER.format(of="l")}
    SET l = {_link(_NAMED)}"""
_PUT_SPECIFIC = """
    MERGE ({task})-[s:{kind} {{id: row.id}}]->({other})
    SET s.version = l.version, s.createdBy = l.createdBy, s.createdAt = l.createdAt"""
PUT_LINKS = _by_kind(_PUT_LINK, _PUT_SPECIFIC)

# The same of links that are not there, while both of their ends are: nobody else writes until they are (`LOCK`). It takes a third less
# than to look at all that the ends are linked to, to lock each end's place in the index, and to set one property after the other.
_MAKE_LINK = f"""
    UNWIND $rows AS row MATCH (source:Artifact {{id: {_PLACED["source"]}}}) MATCH (target:Artifact {{id: {_PLACED["target"]}}})
    CREATE (source)-[l:LINKED_TO {_link(_PLACED)}]->(target)"""
_OF_SPECIFIC = ", ".join(f"{name}: {_PLACED[name]}" for name in ("id", "version", "createdBy"))
_MAKE_SPECIFIC = f"""
    CREATE ({{task}})-[s:{{kind}} {{{{{_OF_SPECIFIC}, createdAt: l.createdAt}}}}]->({{other}})"""
MAKE_LINKS = _by_kind(_MAKE_LINK, _MAKE_SPECIFIC)
MADE_LINKS = "MATCH ()-[l:LINKED_TO]->() WHERE l.id IN $ids RETURN l.id AS id"
LOCK = """
    MATCH (m:Mirror) SET m.lockedAt = datetime()
    WITH m, coalesce(m.highest, 'unknown') AS highest
    SET m.highest = CASE WHEN highest < $highest THEN $highest ELSE highest END
    RETURN highest"""
"""One writes at a time, and nobody where there is no mirror. It answers with the highest id of all links that the mirror has or had; where
that is not known, with a word that no id is above.
"""
KNOWN_LINKS = " UNION ALL ".join(
    (
        "MATCH (gone:DeletedLink) WHERE gone.id IN $LINKED_TO RETURN gone.id AS id, gone.version AS gone",
        *(f"MATCH ()-[l:{kind}]->() WHERE l.id IN ${kind} RETURN l.id AS id, null AS gone" for kind in LinkType),
    )
)
"""Which are there, and which were. By the types of the edges that each has."""
FORGET_DELETED = "UNWIND $rows AS row MATCH (gone:DeletedLink {id: row.id}) WHERE gone.version < row.version DELETE gone"
NOTE_DELETED = f"""
    UNWIND $rows AS row MERGE (gone:DeletedLink {{id: row.id}})
    WITH gone, row WHERE {_NEWER.format(of="gone")} SET gone.version = row.version"""
DELETE_LINKS = {
    kind: f"UNWIND $rows AS row MATCH ()-[l:{kind} {{id: row.id}}]->() WHERE l.version < row.version DELETE l" for kind in LinkType
}

_HIGHEST = """
    WITH m SET m.highest = CASE WHEN EXISTS { (:Artifact) } OR EXISTS { (:DeletedLink) } THEN m.highest ELSE '' END"""
BEGIN = f"MERGE (m:Mirror {{id: $mirror}}) SET m.position = coalesce(m.position, 0) {_HIGHEST}"
# It only moves on, and only from where it has all up to `after`: a mirror that was wiped or put back meanwhile is not moved.
MOVE = """
    MATCH (m:Mirror {id: $mirror}) WHERE m.position >= $after
    SET m.position = CASE WHEN m.position < $position THEN $position ELSE m.position END, m.movedAt = datetime()"""
READ_MIRRORS = "MATCH (m:Mirror) RETURN m.id AS id, coalesce(m.position, 0) AS position, coalesce(m.wiping, false) AS wiping"
IS_EMPTY = "OPTIONAL MATCH (n:Artifact) WITH n LIMIT 1 RETURN n IS NULL AS empty"

BEGIN_WIPE = "MERGE (m:Mirror {id: $mirror}) SET m.wiping = true, m.position = 0"
FORGET_OTHERS = "MATCH (m:Mirror) WHERE m.id <> $mirror DELETE m"
WIPE = [
    "MATCH (:Artifact)-[l]->() WITH l LIMIT $most DELETE l",  # first: what hangs at one thing may be more than a transaction holds
    *(f"MATCH (n:{label}) WITH n LIMIT $most DETACH DELETE n" for label in ("Artifact", "DeletedLink")),
]
END_WIPE = f"MATCH (m:Mirror {{id: $mirror}}) SET m.wiping = false, m.position = 0 {_HIGHEST}"

_ALONG = """
    MATCH (a)-[l:LINKED_TO]->(b) WHERE l.type IN $types
    RETURN l.id AS link, b.id AS far, l.targetType AS type, true AS along ORDER BY far LIMIT $most"""
_AGAINST = """
    MATCH (a)<-[l:LINKED_TO]-(b) WHERE l.type IN $types
    RETURN l.id AS link, b.id AS far, l.sourceType AS type, false AS along ORDER BY far LIMIT $most"""
# The position first: whatever the links have beyond it is laid over them again. All in one record: the driver takes longer to wait for
# one than Neo4j to find a link.
_HOP = """
    MATCH (m:Mirror {{id: $mirror}}) WHERE NOT coalesce(m.wiping, false) WITH m.position AS position
    CALL () {{
        UNWIND $near AS id MATCH (a:Artifact {{id: id}}) CALL (a) {{ {at} }}
        RETURN collect([id, link, far, type, along]) AS met
    }}
    RETURN position, met"""
HOP_ALONG = _HOP.format(at=_ALONG)
HOP_BOTH = _HOP.format(at=f"{_ALONG} UNION ALL {_AGAINST}")

# An end of a link that nobody told of yet has no version, and is no artifact of PostgreSQL's either.
_TOLD = "MATCH (n:Artifact) WHERE n.version IS NOT NULL"
_TOLD_BETWEEN = f"{_TOLD} AND n.id >= $from AND n.id < $before"
COUNT_ARTIFACTS = f"{_TOLD} AND NOT n:Deleted RETURN count(n) AS count"
COUNT_LINKS = "MATCH ()-[l:LINKED_TO]->() RETURN count(l) AS count"

LIST_ARTIFACTS = f"""
    {_TOLD_BETWEEN}
    RETURN n.id AS id, properties(n) AS properties, labels(n) AS labels"""
LIST_LINKS = {
    kind: f"""
        MATCH (source)-[l:{kind}]->(target) WHERE l.id >= $from AND l.id < $before
        RETURN l.id AS id, properties(l) AS properties, source.id AS source, target.id AS target"""
    for kind in LinkType
}
REMOVE_ARTIFACTS = "UNWIND $ids AS id MATCH (n:Artifact {id: id}) DETACH DELETE n"
REMOVE_LINKS = {kind: f"UNWIND $ids AS id MATCH ()-[l:{kind} {{id: id}}]->() DELETE l" for kind in LinkType}
REMOVE_NOTES = "UNWIND $ids AS id MATCH (n:DeletedLink {id: id}) DELETE n"
UNVERSION = "UNWIND $ids AS id MATCH (n:Artifact {id: id}) SET n.version = -1"

# As PostgreSQL sums up the same ids.
_MIXED = "sum(coalesce({of}.version, -1) % 2147483647 * 2654435761 % 4294967291)"
_KINDS = " ".join(f"WHEN n:{label} THEN '{kind.value}'" for kind, label in LABELS.items())
SUM_ARTIFACTS = f"""
    {_TOLD_BETWEEN}
    RETURN CASE WHEN n:Deleted THEN 'DELETED' {_KINDS} ELSE '' END AS kind, count(n) AS there, {_MIXED.format(of="n")} AS sum"""
SUM_LINKS = {
    kind: f"""
        MATCH ()-[l:{kind}]->() WHERE l.id >= $from AND l.id < $before
        RETURN {"l.type" if kind is LinkType.LINKED_TO else "type(l)"} AS kind, count(l) AS there, {_MIXED.format(of="l")} AS sum"""
    for kind in LinkType
}
