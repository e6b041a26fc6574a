"""What changes in Neo4j, in one transaction at a time."""

from collections.abc import Sequence
from typing import Any, override

from neo4j import AsyncTransaction, ResultSummary

from services.graph.engines import MirrorIsAway
from services.graph.mirror.connection import Neo4j, Rows, constant, rows_of
from services.graph.mirror.entities import Entity, Known, MirroredLink, Step, steps
from services.graph.mirror.statements import KNOWN_LINKS, LOCK, MADE_LINKS
from shared.contracts.graph.links import LinkType

type Then = tuple[str, dict[str, Any]]
"""A statement that must change something."""


async def write(neo4j: Neo4j, entities: Sequence[Entity], then: Then | None = None) -> None:
    """All of them, unless `then` changes nothing.

    Raises `MirrorIsAway` where it may be tried again, `BatchIsRefused` where not as it is.
    """
    links = [one for one in entities if isinstance(one, MirroredLink)]
    async with neo4j.transaction() as transaction:
        locked = await _rows(transaction, LOCK, {"highest": max((str(one.id) for one in links), default="")})
        if not locked:
            raise MirrorIsAway("it was wiped or put back meanwhile")
        for step in steps(entities, await _known(transaction, links, locked[0]["highest"])):
            await _take(transaction, step)
        if then is not None and not (await _summary(transaction, *then)).counters.contains_updates:
            raise MirrorIsAway("it was wiped or put back meanwhile")
        await transaction.commit()


async def _known(transaction: AsyncTransaction, links: Sequence[MirroredLink], highest: str) -> Known:
    """What the mirror knows of these links: of few anything, so that it is asked at once and not for each, nor for any that is newer
    than all it knows. highest: of the ids of those.
    """
    perhaps = [one for one in links if one.live and str(one.id) <= highest]
    known = Known({}, set())
    if not perhaps:
        return known
    ids: dict[str, list[str]] = {kind: [str(one.id) for one in perhaps if one.type is kind] for kind in LinkType}
    ids[LinkType.LINKED_TO] = [str(one.id) for one in perhaps]
    for row in await _rows(transaction, KNOWN_LINKS, ids):
        if row["gone"] is None:
            known.there.add(row["id"])
        else:
            known.gone[row["id"]] = row["gone"]
    return known


class _Unspoken(list[Any]):
    """Rows of which the driver's log says nothing: it would take as long to say them, to nobody, as to send them."""

    @override
    def __repr__(self) -> str:
        return f"{len(self)} rows"


async def _take(transaction: AsyncTransaction, step: Step) -> None:
    summary = await _summary(transaction, step.statement, {"rows": _Unspoken(step.sent)})
    if summary.counters.relationships_created < step.edges:
        made = {row["id"] for row in await _rows(transaction, MADE_LINKS, {"ids": [row["id"] for row in step.rows]})}
        await _summary(transaction, step.otherwise, {"rows": _Unspoken(row for row in step.rows if row["id"] not in made)})


async def _summary(transaction: AsyncTransaction, statement: str, values: dict[str, Any]) -> ResultSummary:
    return await (await transaction.run(constant(statement), values)).consume()


async def _rows(transaction: AsyncTransaction, statement: str, values: dict[str, Any]) -> Rows:
    return await rows_of(await transaction.run(constant(statement), values))
