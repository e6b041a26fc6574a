"""The rules of links."""

from uuid import UUID

import pytest

from services.graph.domain import MOST_REFERENCES, Place, link_type, named, place, place_of, references
from shared.contracts.artifacts import ArtifactType
from shared.contracts.graph.links import LinkType
from shared.contracts.graph.reads import ArtifactNotFound
from shared.contracts.refusals import RequestIsInvalid

ID = UUID("0198c0de-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        ("#T-12", [12]),
        ("<p>See #T-12, #T-3 and #T-12 again.</p>", [12, 3]),
        ("(#T-7)", [7]),
        ("x#T-1 ##T-1 #T-0 #T-01 #T-1x #t-1 #T-", []),
        ("#T-1234567890", []),
    ],
)
def test_tasks_are_named_by_their_numbers(content: str, numbers: list[int]) -> None:
    assert references(content).numbers == numbers


def test_things_are_named_by_their_addresses() -> None:
    content = f'<a href="https://a.example/api/projects/{ID}/tasks/{ID}?x=1">it</a> /projects/{ID}/files/{str(ID).upper()} /pages/{ID}'
    assert references(content).places == [Place(ArtifactType.TASK, ID), Place(ArtifactType.FILE, ID)]


def test_a_message_names_so_many_at_most() -> None:
    assert len(references(" ".join(f"#T-{number}" for number in range(1, 200))).numbers) == MOST_REFERENCES


@pytest.mark.parametrize("ends", [(ArtifactType.TASK, ArtifactType.FILE), (ArtifactType.FILE, ArtifactType.TASK)])
def test_a_links_type_is_that_of_its_ends_whichever_comes_first(ends: tuple[ArtifactType, ArtifactType]) -> None:
    assert link_type(*ends) is LinkType.TASK_FILE


@pytest.mark.parametrize(
    ("name", "kind"), [("task", ArtifactType.TASK), ("TASK", ArtifactType.TASK), ("Attachment", ArtifactType.ATTACHMENT)]
)
def test_a_type_may_be_in_any_case(name: str, kind: ArtifactType) -> None:
    assert place(name, ID) == place_of(f"{name}:{ID}") == Place(kind, ID)


@pytest.mark.parametrize("text", ["", "task", "task:", f"planet:{ID}", f"task:{ID}x", f"{ID}", "task:`) DETACH DELETE n //"])
def test_what_names_nothing_is_not_found(text: str) -> None:
    with pytest.raises(ArtifactNotFound):
        place_of(text)


def test_kinds_are_named_by_commas_and_all_are_meant_without() -> None:
    assert named(LinkType, "task_file,LINKED_TO", "linkTypes") == {LinkType.TASK_FILE, LinkType.LINKED_TO}
    assert named(LinkType, None, "linkTypes") == set(LinkType)
    with pytest.raises(RequestIsInvalid) as refused:
        named(LinkType, "task_file,*", "linkTypes")
    assert refused.value.errors[0].field == "linkTypes"
