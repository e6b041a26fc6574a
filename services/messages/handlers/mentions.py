"""Who is meant by the usernames in a content. Identity is asked only where there are any, once for all that came together."""

from collections.abc import Mapping, Sequence

import structlog

from services.messages.content import named
from services.messages.service import Service
from shared.contracts.identity.directory import FIND_MEMBERS, FindMembers, Member, Members
from shared.contracts.principal import Principal
from shared.contracts.refusals import Refusal
from shared.messaging.context import current_context
from shared.messaging.work import Ask

log = structlog.get_logger()

type Names = Ask[Sequence[str], Principal]


async def members_named(names: Mapping[int, Names], service: Service) -> dict[int, list[Member] | None]:
    """By place, the members of whom there are names; None where identity does not say: a message is never lost for a mention."""
    if not names:
        return {}
    asks = [Ask(FindMembers(usernames=list(each.request)), each.caller, each.context) for each in names.values()]
    answers: Sequence[object]
    try:
        answers = await service.call.together(FIND_MEMBERS, asks)
    except Refusal as away:
        answers = [away] * len(asks)
    members: dict[int, list[Member] | None] = {}
    for (place, each), answer in zip(names.items(), answers, strict=True):
        if isinstance(answer, Members):
            members[place] = _in_order(each.request, answer.members)
        else:
            log.warning("mentions_not_resolved", names=len(each.request), refused=getattr(answer, "code", None))
            members[place] = None
    return members


async def members_named_in(content: str, caller: Principal, service: Service) -> list[Member] | None:
    """The members that one content names; None where identity does not say."""
    names = named(content)
    return (await members_named({0: Ask(names, caller, current_context.get())}, service))[0] if names else []


def _in_order(names: Sequence[str], members: Sequence[Member]) -> list[Member]:
    """As the content names them, each once."""
    known = {member.username.lower(): member for member in members}
    return [known[name] for name in names if name in known]
