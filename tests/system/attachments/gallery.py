"""Files in all states, and all who may ask for them: what the matrix is tried on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from uuid import UUID

import httpx2

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.system.attachments.files import Sent, heard, scanned, sha256, upload, with_a_preview
from tests.system.attachments.matrix import FILES, HEADS, STATES, Cell
from tests.system.house import House
from tests.system.people import Json, Person, expect, messages_of, path_of, taking_part
from tests.system.programs import program_of

READS = ("chat:room:read", "chat:message:read", "chat:file:read", "supervisor:chat:read")
ROBOT = (*READS, "chat:message:send", "supervisor:chat:send")


@dataclass(frozen=True)
class Exhibit:
    """A file: what it has, what its preview has, and a link to it from when it was clean. Each is one secret, over and over."""

    id: str
    message_id: str
    secret: bytes
    preview_secret: bytes
    link: str

    @property
    def content(self) -> bytes:
        return self.secret * 50

    @property
    def preview(self) -> bytes:
        return self.preview_secret * 50

    @property
    def tag(self) -> str:
        return f'"{sha256(self.content)}"'


@dataclass
class Gallery:
    """url: of the gateway that is asked. bearers: by role. shown: by what the file is in, and its state."""

    house: House
    url: str
    thread: Json
    bearers: dict[str, Mapping[str, str]]
    shown: dict[tuple[str, str], Exhibit]

    async def ask(self, cell: Cell) -> httpx2.Response:
        exhibit = self.shown[cell.file, cell.state]
        path, headers = f"/api/collab/attachments/{exhibit.id}", dict(self.bearers[cell.role])
        method = "HEAD" if cell.route in HEADS else "POST" if cell.route == "make_link" else "GET"
        path += (
            "/preview" if cell.route.startswith("preview") else {"make_link": "/link", "inline": "?disposition=inline"}.get(cell.route, "")
        )
        part = {"range": "bytes=16-99"}
        conditions = {"if_range": part | {"if-range": exhibit.tag}, "known": {"if-none-match": exhibit.tag}}
        headers |= conditions.get(cell.route, part if cell.route.endswith("range") else {})
        return await self.house.http.request(method, self.url + (exhibit.link if cell.route == "link" else path), headers=headers)

    async def get(self, role: str, path: str) -> httpx2.Response:
        return await self.house.http.get(self.url + path, headers=dict(self.bearers[role]))


async def gallery_in(house: House, url: str, files: Sequence[str] = FILES) -> Gallery:
    """First what is there, then who came too late to see it, and who has to go."""
    people = dict(zip(KINDS, await asyncio.gather(*(house.person(kind) for kind in KINDS.values())), strict=True))
    people["foreign"] = await house.elsewhere(Role.ADMIN)
    await _make_an_auditor(house, people["auditor"])
    uploader, program = people["uploader"], await program_of(house, house.host, *READS)
    thread = await uploader.open(participants=taking_part(people["member"], people["guest"], people["removed"]))
    bearers: dict[str, Mapping[str, str]] = {role: person.bearer for role, person in people.items()}
    bearers |= {"program": {"authorization": f"Bearer {program.token['token']}"}, "nobody": {}}
    places = [(file, state) for file in files for state in STATES]
    made = await _exhibits(house, uploader, thread, places)
    expect(await uploader.post(f"{path_of(thread)}/participants", {"userId": people["latecomer"].id, "canSeeHistory": False}), 201)
    expect(await uploader.delete(f"{path_of(thread)}/participants/{people['removed'].id}"), 204)
    return Gallery(house, url, thread, bearers, dict(zip(places, made, strict=True)))


KINDS = {
    "uploader": Role.AGENT,
    "member": Role.CLIENT,
    "guest": Role.GUEST,
    "latecomer": Role.CLIENT,
    "removed": Role.CLIENT,
    "outsider": Role.CLIENT,
    "agent": Role.AGENT,
    "productOwner": Role.PRODUCT_OWNER,
    "admin": Role.ADMIN,
    "auditor": Role.CLIENT,
}


async def _make_an_auditor(house: House, person: Person) -> None:
    name = f"auditor{new_id().hex[-12:]}"
    expect(await house.host.post("/api/roles", {"name": name, "baseRole": "client", "permissions": ["audit:log:read"]}), 201)
    expect(await house.host.patch(f"/api/workspaces/{house.workspace_id}/members/{person.id}", {"role": name}), 200)


async def _exhibits(house: House, uploader: Person, thread: Json, places: Sequence[tuple[str, str]]) -> list[Exhibit]:
    """In files of each kind, in each state. All are clean first, when links to them are made."""
    keys = [(token_hex(8).encode(), token_hex(8).encode()) for _ in places]
    stored = await asyncio.gather(*(upload(uploader, thread, Sent(secret * 50)) for secret, _ in keys))
    robot = await program_of(house, house.host, *ROBOT)
    said = {"content": "beep", "messageType": "robot", "robotId": "r2"}
    beep = expect(await robot.ask("POST", messages_of(thread), said), 201)["id"]
    fields: dict[str, Json] = {"posted": {}, "note": {"channel": "note"}, "guarded": {"replyTo": beep}}
    posted = [(one, fields[file]) for one, (file, _) in zip(stored, places, strict=True) if file in fields]
    messages = await asyncio.gather(*(uploader.say(thread, "look", attachmentIds=[one["id"]], **more) for one, more in posted))
    for one, _ in posted:
        await heard(house, one)
    for one, (_, preview_secret) in zip(stored, keys, strict=True):
        await scanned(house, one)
        await with_a_preview(house, one, preview_secret * 50)
    links = await asyncio.gather(*(uploader.post(f"{one['url']}/link", {}) for one in stored))
    for one, (_, state) in zip(stored, places, strict=True):
        await _comes_to(house, uploader, one, state)
    of = {message["attachments"][0]["id"]: str(message["id"]) for message in messages}
    return [
        Exhibit(one["id"], of.get(one["id"], ""), *secrets, expect(link, 201)["url"])
        for one, secrets, link in zip(stored, keys, links, strict=True)
    ]


async def _comes_to(house: House, uploader: Person, stored: Json, state: str) -> None:
    if state == "deleted":
        expect(await uploader.delete(stored["url"]), 204)
    elif state == "missing":
        await house.database.execute("DELETE FROM attachments.links WHERE attachment_id = $1", UUID(stored["id"]))
        await house.database.execute("DELETE FROM attachments.attachments WHERE id = $1", UUID(stored["id"]))
    else:
        await scanned(house, stored, state)
