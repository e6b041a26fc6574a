"""The contracts of events, and the documents that are made of them."""

import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.contracts.documents import DOCS, asyncapi, events, schema, stale
from shared.contracts.identity.sessions import SessionEnded
from shared.contracts.model import Event
from shared.contracts.operations import Operation
from shared.contracts.subscriptions import Subscription
from shared.credentials import STORING_SERVICES
from shared.identifiers import new_id
from shared.messaging import permissions

EVENTS = pytest.mark.parametrize("event", events(), ids=lambda event: event.event_type)


def test_the_documents_are_those_of_the_contracts() -> None:
    assert stale() == set(), "run `python -m shared.contracts.documents`"


@EVENTS
def test_an_events_schema_is_a_json_schema(event: type[Event]) -> None:
    Draft202012Validator.check_schema(schema(event))


@EVENTS
def test_an_events_subject_has_the_tokens_of_its_type_then_workspace_and_key(event: type[Event]) -> None:
    workspace, key = new_id(), new_id()
    assert re.fullmatch(r"event\.[a-z]+\.[a-z_]+\.v1\.[0-9a-f-]{36}\.[0-9a-f-]{36}", event.subject(workspace, key))
    assert event.subject(None, key).split(".")[4] == "_"


@EVENTS
def test_an_event_is_said_by_a_service_and_says_what_it_means(event: type[Event]) -> None:
    assert event.owner in STORING_SERVICES
    assert (event.__doc__ or "").strip().endswith(".")


def test_an_event_is_valid_by_its_published_schema() -> None:
    event = SessionEnded(entity_id=new_id(), version=1, user_id=new_id(), session_id=new_id(), reason="signed-out")
    published = json.loads((DOCS / "schemas" / f"{SessionEnded.event_type}.json").read_text())
    Draft202012Validator(published).validate(json.loads(event.model_dump_json(by_alias=True)))


def test_asyncapi_refers_to_what_is_there() -> None:
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text())
    assert document == asyncapi()
    for reference in _references(document):
        if reference.startswith("./"):
            assert (DOCS / reference).exists(), reference
        else:
            found = document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]


def test_every_operation_is_called_by_users_that_there_are() -> None:
    for operation in Operation.known:
        assert set(operation.called_by) <= set(permissions.USERS), operation.name


def test_every_subscription_is_of_events_of_others() -> None:
    for subscription in Subscription.known:
        assert subscription.service in STORING_SERVICES
        assert all(event.owner != subscription.service for event in subscription.events)


def _references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [reference for value in part.values() for reference in _references(value)]
    return []
