"""The things that actions are tried on: each in the relation to the caller that its name says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from shared.contracts.principal import Role
from shared.database.history import SYSTEM_ACTOR
from shared.identifiers import new_id
from tests.system.attachments.files import put_into_a_message, scanned, staged, upload, with_a_preview
from tests.system.attachments.tus import create, end, patch
from tests.system.house import House, log_in
from tests.system.people import Json, Person, expect, message_path, opening, path_of, taking_part

MALFORMED = "not-an-id"
type Shown = tuple[int, list[tuple[str, str]], bytes]
"""All that an answer tells."""

EXTRA: Json = {"role": "client", "name": "Somebody beside"}


@dataclass
class Stage:
    """The people, and what was made for them. `stranger` is the admin of another workspace."""

    house: House
    people: dict[str, Person]
    colleague: Person
    stranger: Person
    kept: dict[tuple[str, ...], str] = field(default_factory=dict)
    of_missing: dict[tuple[str, ...], Shown] = field(default_factory=dict)
    _one_more: Person | None = None

    async def id_of(self, parameter: str, thing: str, caller: str, *, fresh: bool) -> str:
        """A thing's id. One that the action uses up is made anew for each cell."""
        makers: dict[str, Callable[[str, str], Awaitable[str]]] = {
            "threadId": self._thread_id,
            "participantId": self._thread_id,  # named together with the thread that it is in
            "messageId": self._message_id,
            "attachmentId": self._attachment_id,
            "uploadId": self._upload_id,
            "token": self._link,
            "linkId": self._link_id,
            "projectLinkId": partial(self._in_a_project, "links"),
            "id": self._thread_id,
            "type": self._type,
            "userId": self._user_id,
            "sessionId": self._session_id,
            "workspaceId": self._workspace_id,
            "invitationId": self._invitation_id,
            "accountId": self._account_id,
            "tokenId": self._token_id,
            "name": self._role_name,
            "projectId": self._project_id,
            "memberId": partial(self._in_a_project, "members"),
            "columnId": partial(self._in_a_project, "columns"),
            "taskId": partial(self._in_a_project, "tasks"),
            "fileId": partial(self._in_a_project, "files"),
            "pageId": partial(self._in_a_project, "pages"),
        }
        make = makers[parameter]
        if fresh:
            return await make(thing, caller)
        key = (parameter, thing, caller)
        if key not in self.kept:
            self.kept[key] = await make(thing, caller)
        return self.kept[key]

    async def around(self, parameter: str) -> str:
        """The id of what the thing is in, where its path names that too."""
        return await self.id_of(parameter, "own", "", fresh=False)

    async def _workspace_id(self, thing: str, caller: str) -> str:
        if thing == "deleted":
            made = await _made(self.house.host, "/api/workspaces", {"name": "Gone"})
            await self._delete("identity.workspaces", made)
            return made
        known = {"own": self.house.host, "elsewhere": self.stranger}
        return str(known[thing].user["workspaceId"]) if thing in known else _no_id(thing)

    async def _invitation_id(self, thing: str, caller: str) -> str:
        by = self._admin(thing)
        return await self._of_an_admin(by, thing, f"/api/workspaces/{by.user['workspaceId']}/invitations", {}) if by else _no_id(thing)

    async def _account_id(self, thing: str, caller: str) -> str:
        by = self._admin(thing)
        return await self._of_an_admin(by, thing, "/api/service-accounts", {"name": "Bot"}) if by else _no_id(thing)

    async def _token_id(self, thing: str, caller: str) -> str:
        by = self._admin(thing)
        if by is None:
            return _no_id(thing)
        account = await self._account_id(thing, caller) if thing == "elsewhere" else await self.around("accountId")
        body = {"name": "main", "scopes": ["chat:room:read"]}
        return await self._of_an_admin(by, thing, f"/api/service-accounts/{account}/tokens", body)

    async def _role_name(self, thing: str, caller: str) -> str:
        by, name = self._admin(thing), f"r{new_id().hex[-20:]}"
        if by is not None:
            expect(await by.post("/api/roles", {"name": name, "permissions": []}), 201)
        if by is not None and thing == "deleted":
            expect(await by.delete(f"/api/roles/{name}"), 204)
        return name

    async def _of_an_admin(self, by: Person, thing: str, path: str, body: Json) -> str:
        made = await _made(by, path, body)
        if thing == "deleted":
            expect(await by.delete(f"{path}/{made}"), 204)
        return made

    def _admin(self, thing: str) -> Person | None:
        """Who makes such a thing, where it is to be there."""
        return {"own": self.house.host, "deleted": self.house.host, "elsewhere": self.stranger}.get(thing)

    async def _session_id(self, thing: str, caller: str) -> str:
        if thing not in ("own", "foreign", "deleted"):
            return _no_id(thing)
        whose = self.stranger if thing == "foreign" else self.people.get(caller, self.colleague)
        session = await log_in(self.house.http, whose.user["email"])
        if thing == "deleted":
            expect(await session.delete(f"/api/auth/sessions/{session.session_id}"), 204)
        return session.session_id

    async def _user_id(self, thing: str, caller: str) -> str:
        if thing == "deleted":
            gone = await self.house.person()
            await self._delete("identity.users", gone.id)
            return gone.id
        if thing in ("newcomer", "suspended", "removed"):
            person = await self.house.person()
            if thing == "removed":
                expect(await self.house.host.delete(f"/api/workspaces/{self.house.workspace_id}/members/{person.id}"), 204)
            if thing == "suspended":
                expect(await self.house.host.post(f"/api/users/{person.id}/suspend", {}), 200)
            return person.id
        known = {"own": self.people.get(caller, self.colleague), "foreign": self.colleague, "elsewhere": self.stranger}
        return known[thing].id if thing in known else _no_id(thing)

    async def _thread_id(self, thing: str, caller: str) -> str:
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        return str((await self._thread(thing, caller))["id"])

    async def _thread(self, thing: str, caller: str) -> Json:
        host, person = self.house.host, self.people.get(caller, self.colleague)
        joined: Json = {"participants": taking_part(person)}
        openers: dict[str, tuple[Person, Json]] = {
            "own": (person, {}),
            "archived_own": (person, {}),
            "joined": (host, joined),
            "closed_joined": (host, joined),
            "archived_joined": (host, joined),
            "left": (host, joined),
            "no_guests": (host, joined | {"guestAccessAllowed": False}),
            "private_joined": (host, joined | {"isPrivate": True}),
            "deleted_joined": (host, joined),
            "private": (host, {"isPrivate": True}),
            "foreign": (host, {}),
            "archived": (host, {}),
            "assistant": (host, {"kind": "assistant"}),
            "elsewhere": (self.stranger, {}),
        }
        if thing.startswith("direct"):
            return await self._direct(host, person if thing == "direct_joined" else self.colleague)
        opener, fields = openers[thing]
        thread = await opener.open(**fields | {"participants": [*fields.get("participants", []), EXTRA]})
        state = "archived" if thing.startswith("archived") else "closed" if thing.startswith("closed") else "active"
        if state != "active":
            expect(await host.patch(path_of(thread), {"state": state}), 200)
        if thing == "deleted_joined":
            await self.delete(thread)
        if thing == "left":
            expect(await host.patch(path_of(thread), {"participants": [EXTRA]}), 200)
        return thread

    async def _direct(self, one: Person, other: Person) -> Json:
        """A pair has one, so that it may be there by now."""
        answer = await one.post("/api/collab/threads", opening("direct", participants=taking_part(other)))
        return expect(answer, answer.status_code)

    async def participant_id(self, thread_id: str, person: Person | None) -> str:
        """The person, or the one who takes part in every thread that is not direct."""
        if person is not None:
            return person.id
        if thread_id == MALFORMED:
            return str(new_id())
        found = "SELECT id FROM threads.participants WHERE thread_id = $1 AND name = $2"
        return str(await self.house.database.fetchval(found, UUID(thread_id), EXTRA["name"]) or new_id())

    async def _message_id(self, thing: str, caller: str) -> str:
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        host, person = self.house.host, self.people.get(caller, self.colleague)
        rooms = {"heard_in_own": "own", "foreign": "foreign", "private": "private", "elsewhere": "elsewhere"}
        thread = await self._thread(rooms.get(thing, "joined"), caller)
        author = person if thing.startswith("said") else self.stranger if thing == "elsewhere" else host
        message = await author.say(thread, channel="note" if thing.startswith("note") else "in-app")
        if thing.endswith("_deleted"):
            expect(await author.delete(message_path(message)), 204)
        if thing.endswith("_archived"):
            expect(await host.delete(path_of(thread)), 204)
        if thing.endswith("_lost"):
            await self.delete(thread)
        return str(message["id"])

    async def _attachment_id(self, thing: str, caller: str) -> str:
        """In a message, but `uploaded` (by the caller) and `unposted` (by another); scanned, but `said_pending`; with a preview."""
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        host, person = self.house.host, self.people.get(caller, self.colleague)
        rooms = {"heard_in_own": "own", "foreign": "foreign", "private": "private", "elsewhere": "elsewhere"}
        thread = await self._thread(rooms.get(thing, "joined"), caller)
        own = thing.startswith(("said", "uploaded"))
        by = person if own else self.stranger if thing == "elsewhere" else host
        file = await upload(by, thread)
        if thing not in ("uploaded", "unposted"):
            message = await by.say(thread, channel="note" if thing == "note" else "in-app")
            await put_into_a_message(self.house, file, message)
            if thing.endswith("_gone"):
                expect(await by.delete(message_path(message)), 204)
        if not thing.endswith("_pending"):
            await scanned(self.house, file)
            await with_a_preview(self.house, file)
        if thing.endswith("_deleted"):
            expect(await by.delete(file["url"]), 204)
        if thing.endswith("_archived"):
            expect(await host.delete(path_of(thread)), 204)
        if thing.endswith("_lost"):
            await self.delete(thread)
        return str(file["id"])

    async def shared_thread_id(self, caller: str) -> str:
        """Of one that the caller and the host take part in."""
        return await self.id_of("threadId", "joined", caller, fresh=False)

    async def _upload_id(self, thing: str, caller: str) -> str:
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        return await (self._staged_id if thing.startswith("staged") else self._resumed_id)(thing, caller)

    async def _staged_id(self, thing: str, caller: str) -> str:
        """As if its bytes had been put into a bucket."""
        person = self.people.get(caller, self.colleague)
        owner = {"staged_by_another": self.house.host, "staged_elsewhere": self.stranger}.get(thing, person)
        expires_in = timedelta(hours=-1 if thing == "staged_expired" else 1)
        return await staged(self.house, owner, await self.shared_thread_id(caller), expires_in)

    async def _resumed_id(self, thing: str, caller: str) -> str:
        """One that is resumed: five bytes, of which none has come but of `complete`."""
        thread = await self._thread("elsewhere" if thing == "elsewhere" else "joined", caller)
        owners = {"others": self.house.host, "elsewhere": self.stranger}
        owner = owners.get(thing) or self.people.get(caller, self.colleague)
        path = await create(owner, thread)
        if thing == "complete":
            expect(await patch(owner, path, 0, b"hello"), 204)
        if thing == "ended":
            expect(await end(owner, path), 204)
        if thing == "archived":
            expect(await self.house.host.delete(path_of(thread)), 204)
        if thing == "lost":
            await self.delete(thread)
        return path.rpartition("/")[2]

    async def _type(self, thing: str, caller: str) -> str:
        """Of what is looked for in the graph."""
        return "thread"

    async def _link_id(self, thing: str, caller: str) -> str:
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        by = self.stranger if thing == "elsewhere" else self.house.host
        thread = await self._thread("elsewhere", caller) if thing == "elsewhere" else {"id": await self.shared_thread_id(caller)}
        ends = {"sourceType": "MESSAGE", "sourceId": (await by.say(thread))["id"], "targetType": "THREAD", "targetId": thread["id"]}
        return await self._of_an_admin(by, thing, f"{path_of(thread)}/links", ends)

    async def _link(self, thing: str, caller: str) -> str:
        """The token of a link to a file, whosever it is."""
        if thing == "missing":
            return _no_id(thing)
        file = await self._attachment_id("uploaded", "")
        link = expect(await self.colleague.post(f"/api/collab/attachments/{file}/link", {}), 201)
        return str(link["url"]).rpartition("/")[2]

    async def _project_id(self, thing: str, caller: str) -> str:
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        person = self.people.get(caller, self.colleague)
        keeper = self.stranger if thing == "elsewhere" else self.house.host
        path = f"/api/projects/{await _made(keeper, '/api/projects', {'name': 'Turin'})}"
        await self._in_project(keeper, path, thing, person)
        return path.rpartition("/")[2]

    async def _in_project(self, keeper: Person, path: str, thing: str, person: Person) -> None:
        roles = {"own": "OWNER", "maintained": "MAINTAINER", "joined": "MEMBER"}
        role = roles.get(thing.rpartition("_")[2])
        if role and person.id != keeper.id:
            expect(await keeper.post(f"{path}/members", {"userId": person.id, "role": role}), 201)
        if thing.startswith("archived"):
            expect(await keeper.patch(path, {"archived": True}), 200)
        if thing.startswith("deleted"):
            expect(await keeper.delete(path), 204)

    async def _in_a_project(self, kind: str, thing: str, caller: str) -> str:
        """The ids of a project and of something in it."""
        person = self.people.get(caller, self.colleague)
        keeper = self.stranger if thing == "elsewhere" else self.house.host
        project = await _made(keeper, "/api/projects", {"name": "Turin"})
        path = f"/api/projects/{project}"
        somebody = await self.house.joining(self.stranger, Role.AGENT) if thing == "elsewhere" else await self._somebody()
        bodies: dict[str, Json] = {
            "members": {"userId": somebody.id},
            "columns": {"name": "Review"},
            "tasks": {"title": "Book it"},
            "files": {"path": "a.ts"},
            "pages": {"name": "Page", "route": "/", "structure": {"type": "page"}},
        }
        if kind == "links":
            ends = [await _made(keeper, f"{path}/{end}", bodies[end]) for end in ("tasks", "files")]
            bodies[kind] = {"sourceType": "TASK", "sourceId": ends[0], "targetType": "FILE", "targetId": ends[1]}
        made = expect(await keeper.post(f"{path}/{kind}", bodies[kind]), 201)["id"]
        if thing == "deleted":
            expect(await keeper.ask("DELETE", f"{path}/{kind}/{made}", if_match="*"), 204)
        role_is = "maintained" if thing in ("missing", "malformed", "deleted") else thing
        await self._in_project(keeper, path, role_is, person)
        return f"{project} {_no_id(thing) if thing in ('missing', 'malformed') else made}"

    async def _somebody(self) -> Person:
        """One more in the workspace, who is no caller."""
        if self._one_more is None:
            self._one_more = await self.house.person()
        return self._one_more

    async def delete(self, thread: Json) -> None:
        """What no operation does."""
        await self._delete("threads.threads", thread["id"])

    async def _delete(self, table: str, identifier: str) -> None:
        async with self.house.database.transaction():
            await self.house.database.execute("SELECT set_config('app.actor', $1, true)", SYSTEM_ACTOR)
            await self.house.database.execute(f"UPDATE {table} SET deleted_at = now() WHERE id = $1", UUID(identifier))


async def _made(by: Person, path: str, body: Json) -> str:
    return str(expect(await by.post(path, body), 201)["id"])


def _no_id(thing: str) -> str:
    return {"missing": str(new_id()), "malformed": MALFORMED}[thing]
