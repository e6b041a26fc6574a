"""Every list that is paged, with a next page."""

import asyncio
from dataclasses import dataclass

from shared.identifiers import new_id
from tests.system.attachments.files import attachments_of, upload
from tests.system.house import House, log_in
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, taking_part


@dataclass(frozen=True)
class Paged:
    """A list as one reader sees it. `cursor` is that of its second page."""

    reader: Person
    path: str
    query: Json
    parameters: tuple[str, ...]
    cursor: str


async def paged_lists(house: House, reader: Person, other: Person) -> dict[str, Paged]:
    """By their routes' names. The reader is an admin, and the other is of their workspace."""
    thread, message = await _talked_about(reader, other)
    workspace = f"/api/workspaces/{reader.user['workspaceId']}"
    await _administered(house, reader, workspace)
    return {
        "list_own_sessions": await _paged(reader, "/api/auth/sessions"),
        "list_audit": await _paged(reader, "/api/audit"),
        "search_users": await _paged(reader, "/api/users", q="ada"),
        "list_messages": await _paged(reader, messages_of(thread), parameters=("before", "after")),
        "list_replies": await _paged(reader, f"{message_path(message)}/replies"),
        "get_message_history": await _paged(reader, f"{message_path(message)}/history"),
        "list_thread_links": await _paged(reader, f"{path_of(thread)}/links"),
        "list_attachments": await _paged(reader, attachments_of(thread)),
        "list_participants": await _paged(reader, f"{path_of(thread)}/participants"),
        "list_receipts": await _paged(reader, f"{path_of(thread)}/receipts"),
        "list_service_accounts": await _paged(reader, "/api/service-accounts"),
        "list_threads": await _paged(reader, "/api/collab/threads"),
        "get_thread_history": await _paged(reader, f"{path_of(thread)}/history"),
        "list_workspaces": await _paged(reader, "/api/workspaces"),
        "list_members": await _paged(reader, f"{workspace}/members"),
        "list_invitations": await _paged(reader, f"{workspace}/invitations"),
        **await _of_projects(reader, other),
    }


async def _of_projects(reader: Person, other: Person) -> dict[str, Paged]:
    """Two projects; in the second two members and two of each thing, each changed."""
    await reader.post("/api/projects", {"name": "Turin"})
    path = f"/api/projects/{expect(await reader.post('/api/projects', {'name': 'Milan'}), 201)['id']}"
    expect(await reader.post(f"{path}/members", {"userId": other.id}), 201)
    for place in range(2):
        expect(await reader.post(f"{path}/tasks", {"title": "Book it"}), 201)
        page = {"name": "Page", "route": f"/{place}", "structure": {"type": "page"}}
        expect(await reader.post(f"{path}/pages", page), 201)
        file = expect(await reader.post(f"{path}/files", {"path": f"{place}.ts"}), 201)
        expect(await reader.ask("PATCH", f"{path}/files/{file['id']}", {"content": "a"}, if_match='"1"'), 200)
    await _linked(reader, f"{path}/links", *expect(await reader.get(f"{path}/tasks"), 200)["tasks"], kind="TASK")
    return {
        "list_project_links": await _paged(reader, f"{path}/links"),
        "list_orphans": await _paged_once_heard_of(reader, "/api/graph/orphans"),
        "list_projects": await _paged(reader, "/api/projects"),
        "list_project_members": await _paged(reader, f"{path}/members"),
        "list_tasks": await _paged(reader, f"{path}/tasks"),
        "list_files": await _paged(reader, f"{path}/files"),
        "list_file_versions": await _paged(reader, f"{path}/files/{file['id']}/versions"),
        "list_site_pages": await _paged(reader, f"{path}/pages"),
        "get_project_history": await _paged(reader, f"{path}/history"),
    }


async def _linked(person: Person, path: str, one: Json, other: Json, *, kind: str) -> None:
    """Both ways."""
    for source, target in ((one, other), (other, one)):
        ends = {"sourceType": kind, "sourceId": source["id"], "targetType": kind, "targetId": target["id"]}
        expect(await person.post(path, ends), 201)


async def _paged_once_heard_of(reader: Person, path: str) -> Paged:
    """What comes by events is there a little later."""
    async with asyncio.timeout(20):
        while not expect(await reader.get(path, limit=1), 200)["hasMore"]:
            await asyncio.sleep(0.1)
    return await _paged(reader, path)


async def _paged(reader: Person, path: str, parameters: tuple[str, ...] = ("cursor",), **query: str) -> Paged:
    cursor = expect(await reader.get(path, limit=1, **query), 200)["nextCursor"]
    assert cursor, f"{path} has one page"
    return Paged(reader, path, query, parameters, cursor)


async def _talked_about(reader: Person, other: Person) -> tuple[Json, Json]:
    """A thread with two participants, who both read, and a message that was edited and answered twice."""
    await reader.open()
    thread = await reader.open(participants=taking_part(other))
    for title in ("Turin", "Milan"):
        expect(await reader.patch(path_of(thread), {"title": title}), 200)
    first, last = await reader.say(thread), await reader.say(thread)
    for content in ("Hello again", "Hello at last"):
        expect(await reader.patch(message_path(last), {"content": content}), 200)
    for person in (reader, other):
        expect(await person.post(f"{path_of(thread)}/read", {"lastMessageId": first["id"]}), 200)
    for _ in range(2):
        await other.say(thread, replyTo=last["id"])
        await upload(reader, thread)
    await _linked(reader, f"{path_of(thread)}/links", first, last, kind="MESSAGE")
    return thread, last


async def _administered(house: House, reader: Person, workspace: str) -> None:
    await log_in(house.http, reader.user["email"])
    for _ in range(2):
        expect(await reader.post("/api/workspaces", {"name": f"Lab {new_id()}"}), 201)
        expect(await reader.post(f"{workspace}/invitations", {}), 201)
        expect(await reader.post("/api/service-accounts", {"name": f"Bot {new_id()}"}), 201)
