"""The things that actions are tried on: each in the relation to the caller that its name says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.identifiers import new_id
from tests.system.house import House, log_in
from tests.system.people import Json, Person, expect, message_path, path_of, taking_part

MALFORMED = "not-an-id"


@dataclass
class Stage:
    """The people, and what was made for them. `stranger` is the admin of another workspace."""

    house: House
    people: dict[str, Person]
    colleague: Person
    stranger: Person
    kept: dict[tuple[str, ...], str] = field(default_factory=dict)

    async def id_of(self, parameter: str, thing: str, caller: str, *, fresh: bool) -> str:
        """A thing's id. One that the action would use up is made anew for each cell."""
        key = (parameter, thing, caller)
        if fresh:
            self.kept.pop(key, None)
        if key not in self.kept:
            make: Callable[[str, str], Awaitable[str]] = {
                "threadId": self._thread_id,
                "messageId": self._message_id,
                "userId": self._user_id,
                "sessionId": self._session_id,
                "workspaceId": self._workspace_id,
                "invitationId": self._invitation_id,
                "accountId": self._account_id,
                "tokenId": self._token_id,
                "name": self._role_name,
            }[parameter]
            self.kept[key] = await make(thing, caller)
        return self.kept.pop(key) if fresh else self.kept[key]

    async def around(self, parameter: str) -> str:
        """The id of what the thing is in, where its path names that too."""
        return await self.id_of(parameter, "own", "", fresh=False)

    async def _workspace_id(self, thing: str, caller: str) -> str:
        known = {"own": self.house.host, "elsewhere": self.stranger}
        return str(known[thing].user["workspaceId"]) if thing in known else _no_id(thing)

    async def _invitation_id(self, thing: str, caller: str) -> str:
        by = self._admin(thing)
        return await _made(by, f"/api/workspaces/{by.user['workspaceId']}/invitations", {}) if by else _no_id(thing)

    async def _account_id(self, thing: str, caller: str) -> str:
        by = self._admin(thing)
        return await _made(by, "/api/service-accounts", {"name": "Bot"}) if by else _no_id(thing)

    async def _token_id(self, thing: str, caller: str) -> str:
        by = self._admin(thing)
        if by is None:
            return _no_id(thing)
        account = await self.around("accountId") if thing == "own" else await self._account_id(thing, caller)
        return await _made(by, f"/api/service-accounts/{account}/tokens", {"name": "main", "scopes": ["chat:room:read"]})

    async def _role_name(self, thing: str, caller: str) -> str:
        by, name = self._admin(thing), f"r{new_id().hex[-20:]}"
        if by is not None:
            expect(await by.post("/api/roles", {"name": name, "permissions": []}), 201)
        return name

    def _admin(self, thing: str) -> Person | None:
        """Who makes such a thing, where it is to be there."""
        return {"own": self.house.host, "elsewhere": self.stranger}.get(thing)

    async def _session_id(self, thing: str, caller: str) -> str:
        if thing not in ("own", "foreign"):
            return _no_id(thing)
        whose = self.people.get(caller, self.colleague) if thing == "own" else self.stranger
        return (await log_in(self.house.http, whose.user["email"])).session_id

    async def _user_id(self, thing: str, caller: str) -> str:
        if thing in ("newcomer", "suspended"):
            person = await self.house.person()
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
            "private": (host, {"isPrivate": True}),
            "foreign": (host, {}),
            "archived": (host, {}),
            "elsewhere": (self.stranger, {}),
        }
        opener, fields = openers[thing]
        thread = await opener.open(**fields)
        state = "archived" if thing.startswith("archived") else "closed" if thing.startswith("closed") else "active"
        if state != "active":
            expect(await host.patch(path_of(thread), {"state": state}), 200)
        if thing == "left":
            expect(await host.patch(path_of(thread), {"participants": []}), 200)
        return thread

    async def _message_id(self, thing: str, caller: str) -> str:
        if thing in ("missing", "malformed"):
            return _no_id(thing)
        host, person = self.house.host, self.people.get(caller, self.colleague)
        rooms = {"heard_in_own": "own", "foreign": "foreign", "private": "private", "elsewhere": "elsewhere"}
        thread = await self._thread(rooms.get(thing, "joined"), caller)
        author = person if thing.startswith("said") else self.stranger if thing == "elsewhere" else host
        message = await author.say(thread, channel="note" if thing == "note" else "in-app")
        if thing.endswith("_deleted"):
            expect(await author.delete(message_path(message)), 204)
        if thing.endswith("_archived"):
            expect(await host.delete(path_of(thread)), 204)
        return str(message["id"])


async def _made(by: Person, path: str, body: Json) -> str:
    return str(expect(await by.post(path, body), 201)["id"])


def _no_id(thing: str) -> str:
    return {"missing": str(new_id()), "malformed": MALFORMED}[thing]
