"""The document of the WebSocket."""

from typing import Any

from services.gateway.realtime.document import PAGE, UP, asyncapi, document
from services.gateway.realtime.kinds import KINDS
from services.gateway.realtime.websocket import DOES


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(one) for one in node.values()))
    return set().union(*(references(one) for one in node)) if isinstance(node, list) else set()


def found(whole: Any, reference: str) -> bool:
    if reference.startswith("./"):
        return (PAGE.parent / reference).exists()
    for step in reference.removeprefix("#/").split("/"):
        whole = whole.get(step, {})
    return bool(whole)


def test_the_document_is_that_of_the_code() -> None:
    assert PAGE.read_text() == document(), "run `python -m services.gateway.realtime.document`"


def test_every_frame_that_is_understood_is_in_it() -> None:
    assert set(UP) == set(DOES)
    assert {f"down.{kind.type}" for kind in KINDS.values()} <= set(asyncapi()["components"]["messages"])


def test_every_reference_leads_somewhere() -> None:
    whole = asyncapi()
    assert [reference for reference in references(whole) if not found(whole, reference)] == []
