"""What people say of themselves, and who finds them."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from services.identity import domain
from services.identity.service import Service
from shared import cursors
from shared.contracts.identity.directory import FindMembers, Member, Members
from shared.contracts.identity.profiles import ChangeMe, GetUser, SearchUsers
from shared.contracts.identity.statuses import FINDING, FindStatuses, NoteSeen, UserStatuses
from shared.contracts.identity.users import Myself, User, UserNotFound, UserPage, normal_email
from shared.contracts.model import Nothing
from shared.contracts.permissions import Permission
from shared.contracts.principal import Principal
from shared.identifiers import FIRST_ID
from shared.messaging.work import Ask

_FIRST = ("", FIRST_ID)


async def get_user(request: GetUser, caller: Principal, service: Service) -> User:
    user = await service.profiles.get(caller.workspace_id, request.user_id)
    if {caller.role, user.role} <= domain.SERVED and user.id != caller.user_id:
        raise UserNotFound
    return _shown(user, caller)


async def search_users(request: SearchUsers, caller: Principal, service: Service) -> UserPage:
    begin = domain.searchable(request.q.removeprefix("@"))
    kind = f"search:{caller.workspace_id}:{begin}"
    after = cursors.decode(kind, request.cursor, cursors.TEXT_AND_ID) if request.cursor else _FIRST
    if caller.role in domain.SERVED:
        found = await service.profiles.search_staff(caller.workspace_id, caller.user_id, begin, after, request.limit + 1)
    else:
        found = await service.profiles.search(caller.workspace_id, begin, after, request.limit + 1)
    page, more = found[: request.limit], len(found) > request.limit
    users = [_shown(one.user, caller) for one in page]
    return UserPage(users=users, has_more=more, next_cursor=cursors.encode(kind, page[-1].by, page[-1].user.id) if more else None)


async def find_statuses(request: FindStatuses, caller: Principal, service: Service) -> UserStatuses:
    hidden = domain.SERVED if caller.role in domain.SERVED else ()
    found = await service.profiles.statuses(caller.workspace_id, request.user_ids, caller.user_id, hidden)
    return UserStatuses(statuses=found if caller.may(FINDING) else [one for one in found if one.user_id == caller.user_id])


async def note_seen(request: NoteSeen, service: Service) -> Nothing:
    service.last_seen.note_connected(request.user_ids)
    return Nothing()


async def change_me(request: ChangeMe, caller: Principal, service: Service) -> Myself:
    changes = {name: getattr(request, name) for name in request.model_fields_set}
    return await service.profiles.change(caller.workspace_id, caller.user_id, changes)


async def find_members(asks: Sequence[Ask[FindMembers, Principal]], service: Service) -> Sequence[Members]:
    """One statement a workspace, for all who ask at once."""
    asked: dict[UUID, list[FindMembers]] = defaultdict(list)
    for ask in asks:
        asked[ask.caller.workspace_id].append(ask.request)
    found: dict[UUID, list[Member]] = {}
    for workspace_id, requests in asked.items():
        usernames = {domain.searchable(name) for request in requests for name in request.usernames}
        user_ids = {user_id for request in requests for user_id in request.user_ids}
        contacts = {normal_email(contact) for request in requests for contact in request.contacts}
        found[workspace_id] = await service.profiles.members(workspace_id, list(usernames), list(user_ids), list(contacts))
    return [_asked_for(ask.request, found[ask.caller.workspace_id]) for ask in asks]


def _asked_for(request: FindMembers, found: Sequence[Member]) -> Members:
    usernames, user_ids = {domain.searchable(name) for name in request.usernames}, set(request.user_ids)
    contacts = {normal_email(contact) for contact in request.contacts}
    meant = (member for member in found if member.username in usernames or member.id in user_ids or member.contact in contacts)
    return Members(members=list(meant))


def _shown(user: User, caller: Principal) -> User:
    """Emails and the states of accounts are for those who may read members, and one's own."""
    if user.id == caller.user_id or caller.may(Permission.MEMBER_READ):
        return user
    return user.model_copy(update={"email": None, "account_status": None})
