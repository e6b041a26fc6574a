"""What each user of NATS may do, made from the declarations of operations, events and subscriptions. What is not listed is refused.

`python -m shared.messaging.permissions` writes deploy/nats/nats.conf.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.contracts.declared import import_contracts
from shared.contracts.operations import GATEWAY, OPERATOR, Operation
from shared.contracts.subscriptions import Subscription
from shared.credentials import SERVICES, STORING_SERVICES, Credentials
from shared.messaging.connection import inbox_prefix
from shared.messaging.discovery import PING
from shared.messaging.streams import EVENTS, LIVE_SUBJECTS, SUBJECTS

USERS = (*SERVICES, OPERATOR)
TRANSIENT = "transient.>"
"""What gateways tell each other of, and nobody keeps: who types, who is here."""
ASK_WHO_RUNS = {GATEWAY, OPERATOR}
NATS_CONF = Path(__file__).parents[2] / "deploy" / "nats" / "nats.conf"

import_contracts()


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish, and those that it may subscribe."""

    publish: Sequence[str]
    subscribe: Sequence[str]


def permissions(user: str) -> Permissions:
    return Permissions(
        publish=[*_asks(user), *_answers(user), *_says(user), *_reads_the_stream(user)],
        subscribe=[f"{inbox_prefix(user)}.>", *_hears(user)],
    )


def _asks(user: str) -> list[str]:
    asks = sorted(operation.subject for operation in Operation.known if user in operation.called_by and user != operation.owner)
    return [*asks, PING] if user in ASK_WHO_RUNS else asks


def _answers(user: str) -> list[str]:
    """The inboxes of those who may ask it anything, or how it is. (`allow_responses` would drop what is answered late, without a word.)"""
    callers = {caller for operation in Operation.known if operation.owner == user for caller in operation.called_by}
    if user in SERVICES:
        callers |= ASK_WHO_RUNS
    return [f"{inbox_prefix(caller)}.>" for caller in sorted(callers)]


def _says(user: str) -> list[str]:
    if user == GATEWAY:
        return [TRANSIENT]
    if user == OPERATOR:
        return [SUBJECTS, *(f"wake.{service}.outbox" for service in STORING_SERVICES)]
    return [f"event.{user}.>", f"wake.{user}.outbox"] if user in STORING_SERVICES else []


def _hears(user: str) -> list[str]:
    answers_ping = [PING, f"{PING}.{user}", f"{PING}.{user}.*"]
    if user == OPERATOR:
        return [SUBJECTS]
    if user == GATEWAY:
        return [LIVE_SUBJECTS, TRANSIENT, *answers_ping]
    return [f"request.{user}.>", f"wake.{user}.outbox", *answers_ping]


def _reads_the_stream(user: str) -> list[str]:
    """The operator makes streams and consumers; a service reads the end of its own events, and the consumers declared for it; the gateway
    reads, and makes none."""
    if user == OPERATOR:
        return ["$JS.API.>", "$JS.ACK.>"]
    if user == GATEWAY:
        return [f"$JS.API.STREAM.INFO.{EVENTS}", f"$JS.API.DIRECT.GET.{EVENTS}"]
    relay = f"relay-{user}"
    subjects = [
        f"$JS.API.STREAM.INFO.{EVENTS}",
        f"$JS.API.CONSUMER.CREATE.{EVENTS}.{relay}.event.{user}.>",
        f"$JS.API.CONSUMER.DELETE.{EVENTS}.{relay}",
        f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{relay}",
    ]
    for subscription in Subscription.known:
        if subscription.service == user:
            subjects += [
                f"$JS.API.CONSUMER.INFO.{EVENTS}.{subscription.consumer}",
                f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{subscription.consumer}",
                f"$JS.ACK.{EVENTS}.{subscription.consumer}.>",
            ]
    return subjects


def authorization(credentials: Credentials) -> str:
    """The block of nats-server's configuration, with the passwords in it."""
    return _block(lambda user: json.dumps(credentials.nats[user]))


def password_variable(user: str) -> str:
    return f"NATS_PASSWORD_{user.upper()}"


def configuration() -> str:
    """deploy/nats/nats.conf, which takes the passwords from the environment."""
    return (
        "# Made by `python -m shared.messaging.permissions` from the contracts; a test fails when it is stale.\n"
        "# The passwords come from the environment, and must begin with a letter: their values are read as configuration.\n"
        "listen: 0.0.0.0:4222\n"
        "http: 0.0.0.0:8222\n"
        "server_name: atrium\n"
        "max_payload: 8MB\n"
        'jetstream { store_dir: "/data", sync_interval: always }\n'
        f"{_block(lambda user: f'${password_variable(user)}')}\n"
    )


def _block(password: Callable[[str], str]) -> str:
    users = "\n".join(_user(user, password(user)) for user in USERS)
    return f"authorization {{\n  users: [\n{users}\n  ]\n}}"


def _user(user: str, password: str) -> str:
    allowed = permissions(user)
    return (
        f"    {{\n      user: {user}\n      password: {password}\n      permissions: {{\n"
        f"        publish: {{ allow: [\n{_lines(allowed.publish)}        ] }}\n"
        f"        subscribe: {{ allow: [\n{_lines(allowed.subscribe)}        ] }}\n"
        "      }\n    }"
    )


def _lines(subjects: Sequence[str]) -> str:
    return "".join(f"          {json.dumps(subject)}\n" for subject in subjects)


if __name__ == "__main__":
    NATS_CONF.write_text(configuration())
