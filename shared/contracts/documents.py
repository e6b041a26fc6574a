"""The documents of events, made from the contracts.

`python -m shared.contracts.documents` writes docs/schemas and docs/asyncapi.yaml.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.declared import import_contracts
from shared.contracts.model import Event
from shared.contracts.projects.pages import STRUCTURE_BYTES, STRUCTURE_DEPTH, Component

DOCS = Path(__file__).parents[2] / "docs"
_VERSION = "1.0.0"

import_contracts()

_HEADERS = {
    "Nats-Msg-Id": "The event's id again; JetStream keeps no second one in its deduplication window.",
    "ce-specversion": "`1.0`: CloudEvents in binary mode.",
    "ce-id": "The event's id, a UUIDv7. It is the same when the event comes again.",
    "ce-source": "The service that says it, as `/atrium/messages`.",
    "ce-type": "What happened, as `messages.message_posted.v1`.",
    "ce-subject": "What it belongs to: the subject's last token.",
    "ce-time": "When it was written, with the change itself (RFC 3339).",
    "ce-dataschema": "Its JSON Schema, as `/schemas/messages.message_posted.v1.json`.",
    "content-type": "`application/json`.",
    "traceparent": "The W3C trace of the request that made it; absent where there was none.",
}


def events() -> list[type[Event]]:
    """What services say; a base of theirs is nobody's, and a test's own are no contracts."""
    known = [Event.known[name] for name in sorted(Event.known)]
    return [event for event in known if event.__module__.startswith(f"shared.contracts.{event.owner}.")]


def schema(event: type[Event]) -> dict[str, Any]:
    """JSON Schema 2020-12 of an event's content. A reader ignores what it does not know."""
    made = event.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/schemas/{event.event_type}.json",
        **made,
        "title": event.__name__,
        "description": _summary(event),
    }


def page_structure() -> dict[str, Any]:
    """JSON Schema 2020-12 of a page's structure. How deep and how long it may be is beside it: no schema can say that."""
    made = Component.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "/schemas/page-structure.json",
        "title": "The structure of a page",
        "description": f"At most {STRUCTURE_DEPTH} components within each other, and {STRUCTURE_BYTES} bytes as JSON.",
        **made,
    }


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: what Atrium says on NATS, for those who subscribe."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Atrium's events",
            "version": _VERSION,
            "description": "What happened, in the order of each thread or user. The stream EVENTS keeps it; docs/events.md explains.",
        },
        "defaultContentType": "application/json",
        "servers": {"nats": {"host": "localhost:4222", "protocol": "nats", "description": "NATS with JetStream, stream EVENTS."}},
        "channels": {event.event_type: _channel(event) for event in events()},
        "operations": {
            f"say.{event.event_type}": {"action": "send", "channel": {"$ref": f"#/channels/{_pointer(event)}"}, "summary": _summary(event)}
            for event in events()
        },
        "components": {
            "messages": {event.event_type: _message(event) for event in events()},
            "schemas": {
                "headers": {
                    "type": "object",
                    "properties": {name: {"type": "string", "description": text} for name, text in _HEADERS.items()},
                    "required": [name for name in _HEADERS if name != "traceparent"],
                }
            },
        },
    }


def documents() -> dict[Path, str]:
    """Every generated file with its content."""
    made = {
        DOCS / "schemas" / f"{event.event_type}.json": json.dumps(schema(event), indent=2, ensure_ascii=False) + "\n" for event in events()
    }
    note = "# Made by `python -m shared.contracts.documents` from the contracts; a test fails when it is stale.\n"
    page = json.dumps(page_structure(), indent=2, ensure_ascii=False) + "\n"
    whole = note + yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)
    return {**made, DOCS / "page-structure.schema.json": page, DOCS / "asyncapi.yaml": whole}


def stale() -> set[Path]:
    """Files that are missing, are others than they should be, or should not be there."""
    wanted = documents()
    extra = set((DOCS / "schemas").glob("*.json")) - set(wanted)
    return extra | {path for path, content in wanted.items() if not path.exists() or path.read_text() != content}


def write() -> None:
    wanted = documents()
    (DOCS / "schemas").mkdir(exist_ok=True)
    for path in stale():
        if path in wanted:
            path.write_text(wanted[path])
        else:
            path.unlink()


def _channel(event: type[Event]) -> dict[str, Any]:
    return {
        "address": f"event.{event.event_type}.{{workspace}}.{{key}}",
        "parameters": {
            "workspace": {"description": "The workspace's id; `_` for what belongs to the installation."},
            "key": {"description": "The id of what it belongs to: the thread of messages, the user of sessions."},
        },
        "messages": {event.__name__: {"$ref": f"#/components/messages/{_pointer(event)}"}},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.event_type,
        "title": event.__name__,
        "summary": _summary(event),
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"./schemas/{event.event_type}.json"},
    }


def _pointer(event: type[Event]) -> str:
    return event.event_type.replace("~", "~0").replace("/", "~1")


def _summary(event: type[Event]) -> str:
    return " ".join((event.__doc__ or "").split())


if __name__ == "__main__":
    write()
