"""Operations, refusals and models as the design declares them: every one has an owner, a name and a form."""

import re
from asyncio import gather
from collections.abc import Iterator
from keyword import iskeyword

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

import services.gateway.main
from services.attachments.main import AttachmentsApplication
from services.attachments.settings import AttachmentsSettings
from services.gateway.routing import ROUTES, Route
from services.graph.main import GraphApplication
from services.graph.settings import GraphSettings
from services.identity.main import IdentityApplication
from services.identity.settings import IdentitySettings
from services.messages.main import MessagesApplication
from services.projects.main import ProjectsApplication
from services.projects.settings import ProjectsSettings
from services.threads.main import ThreadsApplication
from shared.contracts.attachments.resumable import COMPLETE_RESUMABLE_UPLOAD, JOIN_PARTS, KEEP_PART
from shared.contracts.attachments.uploads import ABORT_UPLOADS
from shared.contracts.declared import import_contracts
from shared.contracts.graph.links import CHECK_LINK_ENDS
from shared.contracts.identity.service_accounts import AUTHORIZE_TOKEN
from shared.contracts.identity.sessions import AUTHORIZE, LogOut, SessionEnded
from shared.contracts.identity.statuses import FIND_STATUSES, NOTE_SEEN
from shared.contracts.model import Event, Model, Request, View, snake_case
from shared.contracts.operations import GATEWAY, OPERATOR, Operation
from shared.contracts.principal import Principal
from shared.contracts.projects.access import CHECK_PROJECT_ACCESS
from shared.contracts.projects.artifacts import DESCRIBE_ARTIFACTS
from shared.contracts.projects.audience import CHECK_PROJECT_AUDIENCE
from shared.contracts.refusals import STATUSES, FieldError, Refusal, RefusalView, refusal_of
from shared.contracts.threads.access import CHECK_ACCESS
from shared.contracts.threads.audience import CHECK_AUDIENCE
from shared.credentials import SERVICES, STORING_SERVICES
from shared.identifiers import new_id
from shared.settings import Settings
from tests.servers import Servers

assert services.gateway.main, "importing it imports every contract that is there"
import_contracts()


def subclasses[C](base: type[C]) -> Iterator[type[C]]:
    """Those that the product has; tests make some of their own."""
    for each in base.__subclasses__():
        if each.__module__.split(".")[0] != "tests":
            yield each
        yield from subclasses(each)


def refusals() -> list[type[Refusal]]:
    return [each for each in subclasses(Refusal) if "kind" not in vars(each)]


OPERATIONS = [each for each in Operation.known if not each.request.__module__.startswith("tests.")]
EACH_OPERATION = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
EACH_REFUSAL = pytest.mark.parametrize("refusal", refusals(), ids=lambda each: each.code)
EACH_REQUEST = pytest.mark.parametrize("request_type", list(subclasses(Request)), ids=lambda each: each.__name__)
EACH_READ = pytest.mark.parametrize("model", [*subclasses(View), *subclasses(Event)], ids=lambda each: each.__name__)
EACH_MODEL = pytest.mark.parametrize("model", list(subclasses(Model)), ids=lambda each: each.__name__)


async def test_each_service_serves_the_operations_of_its_contract_and_no_other(servers: Servers) -> None:
    where = {"data": servers.data, "postgres_url": servers.postgres_url, "nats_url": servers.nats_url}
    applications: list[
        IdentityApplication | ThreadsApplication | MessagesApplication | AttachmentsApplication | ProjectsApplication | GraphApplication
    ] = [
        IdentityApplication(IdentitySettings.model_validate(where)),
        ThreadsApplication(Settings.model_validate(where)),
        MessagesApplication(Settings.model_validate(where)),
        AttachmentsApplication(AttachmentsSettings.model_validate(where)),
        ProjectsApplication(ProjectsSettings.model_validate(where)),
        GraphApplication(GraphSettings.model_validate(where)),
    ]
    assert [application.name for application in applications] == list(STORING_SERVICES)
    try:
        await gather(*(application.start() for application in applications))
        for application in applications:
            served = [operation.name for operation in application._foundation.responder.operations]
            assert sorted(served) == sorted(operation.name for operation in OPERATIONS if operation.owner == application.name)
    finally:
        await gather(*(application.stop() for application in applications))


@EACH_OPERATION
def test_an_operation_has_an_owner_who_is_asked_by_others(operation: Operation[Request, BaseModel]) -> None:
    assert operation.owner in (*STORING_SERVICES, GATEWAY)
    assert re.fullmatch(rf"request\.{operation.owner}\.[a-z]+(_[a-z]+)*\.v1", operation.subject)
    assert operation.called_by
    assert set(operation.called_by) <= {*SERVICES, OPERATOR} - {operation.owner} or operation.called_by == [operation.owner] == [GATEWAY]
    assert all("kind" not in vars(refusal) for refusal in operation.refuses), "a refusal, not a kind of them"


def test_an_operation_is_declared_once() -> None:
    assert len({operation.subject for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_has_the_name_of_its_operation(route: Route) -> None:
    """One of several, such as a form's, has one of its own."""
    assert (route.name == route.operation.name) == (route.begins is None)
    assert GATEWAY in route.operation.called_by


def test_what_the_gateway_may_ask_it_asks() -> None:
    asked = {route.operation.name for route in ROUTES} | {route.begins.name for route in ROUTES if route.begins}
    asked |= {AUTHORIZE.name, AUTHORIZE_TOKEN.name, ABORT_UPLOADS.name}
    asked |= {CHECK_ACCESS.name, CHECK_PROJECT_ACCESS.name, DESCRIBE_ARTIFACTS.name, FIND_STATUSES.name, NOTE_SEEN.name}
    asked |= {CHECK_AUDIENCE.name, CHECK_PROJECT_AUDIENCE.name, CHECK_LINK_ENDS.name}
    asked |= {KEEP_PART.name, JOIN_PARTS.name, COMPLETE_RESUMABLE_UPLOAD.name}
    assert asked == {operation.name for operation in OPERATIONS if GATEWAY in operation.called_by}


@EACH_REFUSAL
def test_a_refusal_says_what_stands_against_it_with_a_status(refusal: type[Refusal]) -> None:
    assert refusal.__doc__, "its docstring is its message"
    assert refusal.detail.endswith((".", "`.", "…`."))
    assert "\n" not in refusal.detail
    assert STATUSES[refusal.kind] == refusal().status
    assert refusal.code == snake_case(refusal.__name__)


def test_a_code_means_one_refusal() -> None:
    codes = [refusal.code for refusal in refusals()]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize(
    "refusal", dict.fromkeys(refusal for operation in OPERATIONS for refusal in operation.refuses), ids=lambda each: each.code
)
def test_a_services_refusal_comes_through_the_wire_as_itself(refusal: type[Refusal]) -> None:
    sent = refusal(errors=[FieldError(field="title", code="too_long", detail="Too long.")], retry_after=7)
    seen = refusal_of(RefusalView.model_validate_json(sent.view().model_dump_json()))
    assert (type(seen), seen.retry_after, seen.errors) == (refusal, sent.retry_after, sent.errors)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *(("token_is_missing", 401), ("token_is_not_valid", 401), ("session_has_ended", 401), ("credentials_are_wrong", 401)),
        *(("refresh_token_is_spent", 401), ("registration_is_closed", 403), ("email_is_taken", 409), ("permission_is_missing", 403)),
        *(("thread_not_found", 404), ("message_not_found", 404), ("user_not_found", 404), ("route_not_found", 404)),
        *(("booking_has_a_thread", 409), ("thread_is_archived", 409), ("thread_is_closed", 409), ("key_was_used_for_another", 409)),
        *(("edit_window_is_over", 409), ("message_is_deleted", 409), ("not_the_author", 403), ("note_is_not_allowed", 403)),
        *(("replied_message_not_found", 422), ("request_is_invalid", 422), ("request_is_malformed", 400), ("cursor_is_not_valid", 400)),
        *(("rate_limit_is_reached", 429), ("service_is_unavailable", 503)),
    ],
)
def test_the_codes_of_the_api_have_their_statuses(code: str, status: int) -> None:
    assert Refusal.known[code]().status == status


@EACH_REQUEST
def test_a_request_forbids_unknown_fields(request_type: type[Request]) -> None:
    with pytest.raises(ValidationError) as refused:
        request_type.model_validate({"unheardOf": 1})
    assert ("extra_forbidden", ("unheardOf",)) in {(error["type"], error["loc"]) for error in refused.value.errors()}
    for inner in _models_in(request_type) - {Principal}:  # who asks, as with every call: a newer identity may say more of them
        assert inner.model_config["extra"] == "forbid"


@EACH_READ
def test_views_and_events_ignore_unknown_fields(model: type[Model]) -> None:
    assert model.model_config["extra"] == "ignore"


def test_a_reader_takes_what_a_newer_writer_added() -> None:
    event = SessionEnded(entity_id=new_id(), version=1, user_id=new_id(), session_id=new_id(), reason="signed-out")
    newer = event.model_dump(mode="json", by_alias=True) | {"addedLater": [1]}
    assert SessionEnded.model_validate(newer) == event


@EACH_MODEL
def test_json_is_camel_case_and_models_are_frozen(model: type[Model]) -> None:
    assert model.model_config["frozen"]
    assert model.model_config["serialize_by_alias"]
    for name, field in model.model_fields.items():
        said = name.removesuffix("_") if iskeyword(name.removesuffix("_")) else name
        assert field.serialization_alias == to_camel(said)
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]*|[0-9]+)*", to_camel(said))


def test_secrets_are_whole_on_the_wire_and_masked_everywhere_else() -> None:
    request = LogOut.model_validate({"refreshToken": "open sesame"})
    assert request.model_dump_json(by_alias=True) == '{"refreshToken":"open sesame"}'
    assert "sesame" not in repr(request) + str(request)


@pytest.mark.parametrize("event", list(subclasses(Event)), ids=lambda each: each.__name__)
def test_an_event_is_a_fact_in_the_past_tense_on_subjects_that_everybody_takes(event: type[Event]) -> None:
    assert event.__name__.endswith(("ed", "Read"))
    for subject in (event.subject(new_id(), new_id()), event.subject(None, new_id())):
        tokens = subject.split(".")
        assert len(tokens) == 6
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", token) for token in tokens)


def _models_in(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The models that a model's fields hold, at any depth; one may hold its own kind."""
    found: set[type[BaseModel]] = set()
    waiting = [model]
    while waiting:
        types = [inner for field in waiting.pop().model_fields.values() for inner in _types_in(field)]
        new = {inner for inner in types if isinstance(inner, type) and issubclass(inner, BaseModel)} - found
        found |= new
        waiting += new
    return found


def _types_in(field: FieldInfo) -> Iterator[object]:
    waiting: list[object] = [field.annotation]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += getattr(each, "__args__", ())
