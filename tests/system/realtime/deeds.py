"""What is done while everybody looks, and who may be told of it: those who may read the same over HTTP at that moment."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.contracts.principal import Role
from tests.system.attachments.files import scan_ends, upload
from tests.system.conversations.test_programs import ROBOT, TALKS
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, taking_part
from tests.system.programs import Program, program_of
from tests.system.projects.team import path_of as project_path
from tests.system.realtime.cast import Cast, Membership
from tests.system.realtime.followers import PATIENCE


@dataclass(frozen=True)
class Deed:
    """phase: 1 before some joined and others left, 2 after it. place: the thread or project that it was in, for all but one's own."""

    type: str
    phase: int
    is_it: Callable[[Json], bool]
    may: frozenset[str]
    place: str | None


@dataclass
class Doing:
    """Everything that clients are told of, done twice."""

    cast: Cast
    phase: int = 1
    deeds: list[Deed] = field(default_factory=list)
    kept: dict[str, Json] = field(default_factory=dict)
    _asked: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)

    @property
    def here(self) -> str:
        return path_of(self.cast.thread)

    @property
    def there(self) -> str:
        return project_path(self.cast.project)

    async def who(self, path: str) -> frozenset[str]:
        if (self.phase, path) not in self._asked:
            self._asked[self.phase, path] = await self.cast.who_gets(path)
        return self._asked[self.phase, path]

    async def did(self, type: str, seen_at: str, place: str | None = None, **data: object) -> None:
        """place: the thread, unless it is said."""
        may = await self.who(seen_at)
        self.note(type, may, place or self.here, lambda told: _holds(told, data))

    def note(self, type: str, may: frozenset[str], place: str | None, is_it: Callable[[Json], bool]) -> None:
        self.deeds.append(Deed(type, self.phase, lambda frame: frame["type"] == type and is_it(frame["data"]), may, place))

    async def everything(self, agent: Person, robot: Program | None) -> None:
        await self.messages("message", self.cast.creator)
        await self.messages("note", agent, channel="note")
        if robot is not None:
            await self.guarded(robot, agent)
        await self.receipts()
        await self.files(agent)
        await self.threads()
        await self.people()
        await self.projects()
        await self.links(agent)

    async def messages(self, name: str, by: Person, **fields: object) -> None:
        """Posted, edited, deleted; and one that was there in the first phase is edited in the second."""
        one, other = [await by.say(self.cast.thread, f"{name} {number}", **fields) for number in range(2)]
        for message in (one, other):
            await self.did(f"{name}Posted", message_path(message), message={"id": message["id"]})
        first = self.kept.setdefault(name, one)
        for message in {each["id"]: each for each in (one, first)}.values():
            content = f"changed {self.phase}"
            expect(await by.patch(message_path(message), {"content": content}), 200)
            await self.did(f"{name}Edited", message_path(message), message={"id": message["id"], "content": content})
        expect(await by.delete(message_path(other)), 204)
        await self.did(f"{name}Deleted", message_path(one), message={"id": other["id"]})

    async def guarded(self, robot: Program, agent: Person) -> None:
        body = {"content": "beep", **ROBOT}
        one, other = [expect(await robot.ask("POST", messages_of(self.cast.thread), body), 201) for _ in range(2)]
        await self.did("guardedMessagePosted", message_path(one), message={"id": one["id"]})
        expect(await robot.ask("PATCH", message_path(one), {"content": "boop"}), 200)
        await self.did("guardedMessageEdited", message_path(one), message={"id": one["id"]})
        expect(await robot.ask("DELETE", message_path(other)), 204)
        await self.did("guardedMessageDeleted", message_path(one), message={"id": other["id"]})
        file = await upload(agent, self.cast.thread)
        reply = await agent.say(self.cast.thread, "thanks", replyTo=one["id"], attachmentIds=[file["id"]])
        await self.scanned("guardedAttachmentChanged", file, reply)

    async def receipts(self) -> None:
        creator, thread = self.cast.creator, self.cast.thread
        message = await creator.say(thread, "to be read")
        path, body = f"{self.here}/receipts", {"lastMessageId": message["id"]}
        expect(await creator.post(f"{self.here}/delivered", body), 200)
        await self.did("threadDelivered", path, userId=creator.id, lastDeliveredMessageId=message["id"])
        expect(await creator.post(f"{self.here}/read", body), 200)
        await self.did("threadRead", path, userId=creator.id, lastReadMessageId=message["id"])

    async def files(self, agent: Person) -> None:
        for type, by, fields in (("attachmentChanged", self.cast.creator, {}), ("noteAttachmentChanged", agent, {"channel": "note"})):
            file = await upload(by, self.cast.thread)
            own = frozenset(one.name for one in self.cast.everybody if one.person.id == by.id)
            self.note("ownAttachmentChanged", own, None, _is({"attachment": {"id": file["id"]}, "change": "uploaded"}))
            message = await by.say(self.cast.thread, "look", attachmentIds=[file["id"]], **fields)
            await self.scanned(type, file, message)

    async def scanned(self, type: str, file: Json, message: Json) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self.cast.house.database.fetchval("SELECT posted_at FROM attachments.attachments WHERE id = $1", file["id"]):
                await asyncio.sleep(0.02)
        await scan_ends(self.cast.house, file)
        await self.did(type, message_path(message), attachment={"id": file["id"]}, change="scanned")

    async def threads(self) -> None:
        cast, title = self.cast, f"A trip, {self.phase}"
        expect(await cast.creator.patch(self.here, {"title": title}), 200)
        await self.did("threadChanged", self.here, thread={"id": cast.thread["id"], "title": title})
        other = await cast.creator.open(participants=taking_part(*(one.person for one in cast.those(Membership.MEMBER))))
        await self.did("threadOpened", path_of(other), path_of(other), thread={"id": other["id"]})
        private = await cast.creator.open(isPrivate=True)
        await self.did("threadOpened", path_of(private), path_of(private), thread={"id": private["id"]})
        archivist = cast.creator if cast.creator.user["role"] != Role.CLIENT else cast.house.host
        for state, type in (("archived", "threadArchived"), ("active", "threadRestored")):
            expect(await archivist.patch(path_of(other), {"state": state}), 200)
            await self.did(type, path_of(other), path_of(other), threadId=other["id"])

    async def people(self) -> None:
        path, creator = f"{self.here}/participants", self.cast.creator
        extra = expect(await creator.post(path, {"name": f"Extra {self.phase}", "role": "client"}), 201)
        await self.did("participantAdded", path, participant={"id": extra["id"]})
        expect(await creator.patch(f"{path}/{extra['id']}", {"name": "Another name"}), 200)
        await self.did("participantChanged", path, participant={"id": extra["id"]})
        expect(await creator.delete(f"{path}/{extra['id']}"), 204)
        await self.did("participantRemoved", path, participant={"id": extra["id"]})

    async def projects(self) -> None:
        creator = self.cast.creator
        bodies: dict[str, tuple[Json, Json]] = {
            "column": ({"name": f"Column {self.phase}"}, {"name": f"Other {self.phase}"}),
            "task": ({"title": "Book"}, {"title": "Book it"}),
            "file": ({"path": f"a{self.phase}.ts"}, {"path": f"b{self.phase}.ts"}),
            "page": ({"name": "Page", "route": f"/{self.phase}", "structure": {"type": "page"}}, {"name": "Other"}),
        }
        for thing, (body, change) in bodies.items():
            made = expect(await creator.post(f"{self.there}/{thing}s", body), 201)
            path = f"{self.there}/{thing}s/{made['id']}"
            await self.did(f"{thing}Changed", path, self.there, change="created", **{thing: {"id": made["id"]}})
            expect(await creator.ask("PATCH", path, change, if_match="*"), 200)
            updated = "moved" if thing == "file" else "updated"
            await self.did(f"{thing}Changed", path, self.there, change=updated, **{thing: {"id": made["id"]}})
            expect(await creator.ask("DELETE", path, if_match="*"), 204)
            await self.did(f"{thing}Changed", path, self.there, change="deleted", **{thing: {"id": made["id"]}})
        expect(await creator.patch(self.there, {"name": f"Turin {self.phase}"}), 200)
        await self.did("projectChanged", self.there, self.there, project={"id": self.cast.project["id"], "name": f"Turin {self.phase}"})
        member, role = self.cast.those(Membership.MEMBER)[1].person, ["MAINTAINER", "MEMBER"][self.phase - 1]
        expect(await creator.patch(f"{self.there}/members/{member.id}", {"role": role}), 200)
        await self.did("memberChanged", f"{self.there}/members", self.there, member={"userId": member.id, "role": role}, change="updated")
        message = await creator.say({"id": self.cast.project["threadId"]}, "among us")
        thread = path_of({"id": self.cast.project["threadId"]})
        await self.did("messagePosted", message_path(message), thread, message={"id": message["id"]})

    async def links(self, agent: Person) -> None:
        """With an end that only some see."""
        creator = self.cast.creator
        message, note = await agent.say(self.cast.thread, "a message"), await agent.say(self.cast.thread, "a note", channel="note")
        await self.link(agent, self.here, ("MESSAGE", message["id"]), ("MESSAGE", note["id"]))
        task = expect(await creator.post(f"{self.there}/tasks", {"title": "Linked"}), 201)
        await self.link(creator, self.there, ("TASK", task["id"]), ("MESSAGE", message["id"]))

    async def link(self, by: Person, place: str, source: tuple[str, str], target: tuple[str, str]) -> None:
        body = dict(zip(("sourceType", "sourceId", "targetType", "targetId"), (*source, *target), strict=True))
        link = expect(await by.post(f"{place}/links", body), 201)
        for change in ("created", "deleted"):
            await self.did("linkChanged", f"{place}/links/{link['id']}", place, link={"id": link["id"]}, change=change)
            if change == "created":
                expect(await by.delete(f"{place}/links/{link['id']}"), 204)


async def all_deeds(cast: Cast) -> list[Deed]:
    """Twice, and between the two some join and others leave."""
    doing = Doing(cast)
    agent = await _agent_in(cast)
    robot = await program_of(cast.house, cast.house.host, *TALKS)
    sees = (await robot.ask("GET", doing.here)).status_code == 200
    await doing.everything(agent, robot if sees else None)
    await cast.heard()
    doing.phase = 2
    await cast.leave(Membership.LEAVING)
    *_, last = await cast.join(Membership.LATER, Membership.LATER_BLIND)
    await doing.did("participantAdded", doing.here, threadId=cast.thread["id"], participant={"userId": last.person.id})
    await doing.did("memberChanged", doing.there, doing.there, member={"userId": last.person.id}, change="created")
    await cast.heard()
    await doing.everything(agent, robot if sees else None)
    return doing.deeds


async def _agent_in(cast: Cast) -> Person:
    """Who writes notes."""
    return next(one.person for one in cast.those(Membership.MEMBER) if one.person.user["role"] == Role.AGENT)


def _is(wanted: Json) -> Callable[[Json], bool]:
    return lambda told: _holds(told, wanted)


def _holds(told: Json, wanted: Json) -> bool:
    """Whether what was told has all that is wanted of it, however deep."""
    return all(_holds(told[name], value) if isinstance(value, dict) else told[name] == value for name, value in wanted.items())
