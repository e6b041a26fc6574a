"""What the paths of routes name."""

from uuid import UUID

from shared.contracts.permissions import Permission
from shared.identifiers import new_id
from tests.system.attachments.files import scanned, upload, with_a_preview
from tests.system.attachments.tus import create
from tests.system.house import House, log_in
from tests.system.people import Person, expect, taking_part


async def things_of(person: Person, other: Person, opener: Person | None = None, house: House | None = None) -> dict[str, str]:
    """By the parameter's name, things that are there; for what only admins make, an id that is nothing's where the person is none.

    opener: who opens the thread where the person may not. house: where the file among them is clean, has a preview, and
    there is a link to it.
    """
    things = await conversation_of(opener or person, person, other, house)
    session = await log_in(person.http, person.user["email"])
    things |= {"userId": other.id, "sessionId": session.session_id, "workspaceId": person.user["workspaceId"], "name": "agent"}
    things |= await project_of(opener or person, person, other)
    if Permission.SERVICE_MANAGE not in expect(await person.get("/api/auth/me"), 200)["permissions"]:
        return things | dict.fromkeys(("invitationId", "accountId", "tokenId"), str(new_id()))
    invitation = expect(await person.post(f"/api/workspaces/{things['workspaceId']}/invitations", {}), 201)
    account = expect(await person.post("/api/service-accounts", {"name": "Bot"}), 201)
    asked = {"name": "main", "scopes": ["chat:room:read"]}
    token = expect(await person.post(f"/api/service-accounts/{account['id']}/tokens", asked), 201)
    return things | {"invitationId": invitation["id"], "accountId": account["id"], "tokenId": token["id"]}


async def conversation_of(opener: Person, person: Person, other: Person, house: House | None) -> dict[str, str]:
    """A thread in which both take part, and what the person says, sends and begins to send there."""
    everybody = {one.id: one for one in (person, other, opener)}
    thread = await opener.open(participants=taking_part(*everybody.values()))
    message = await person.say(thread)
    file = await upload(person, thread)
    link = str(new_id())
    if house is not None:
        await house.database.execute("DELETE FROM attachments.resumable_uploads WHERE owner_id = $1", UUID(person.id))  # nobody has many
        await scanned(house, file)
        await with_a_preview(house, file)
        link = expect(await person.post(f"{file['url']}/link", {}), 201)["url"].rpartition("/")[2]
    return {
        "threadId": thread["id"],
        "messageId": message["id"],
        "attachmentId": file["id"],
        "uploadId": (await create(person, thread)).rpartition("/")[2],
        "token": link,
        "participantId": other.id,
        "type": "thread",
        "id": thread["id"],
    }


async def project_of(maker: Person, person: Person, other: Person) -> dict[str, str]:
    """A project that the person owns, in which the other is a member, and something of each kind in it."""
    project = expect(await maker.post("/api/projects", {"name": "Turin"}), 201)
    path = f"/api/projects/{project['id']}"
    if person.id != maker.id:
        expect(await maker.post(f"{path}/members", {"userId": person.id, "role": "OWNER"}), 201)
    member = expect(await maker.post(f"{path}/members", {"userId": other.id}), 201)
    column = expect(await maker.post(f"{path}/columns", {"name": "Review"}), 201)
    task = expect(await maker.post(f"{path}/tasks", {"title": "Book it"}), 201)
    file = expect(await maker.post(f"{path}/files", {"path": "a.ts"}), 201)
    page = expect(await maker.post(f"{path}/pages", {"name": "Page", "route": "/", "structure": {"type": "page"}}), 201)
    ends = {"sourceType": "TASK", "sourceId": task["id"], "targetType": "FILE", "targetId": file["id"]}
    link = expect(await maker.post(f"{path}/links", ends), 201)
    made = {"linkId": link, "projectId": project, "memberId": member, "columnId": column, "taskId": task, "fileId": file, "pageId": page}
    return {name: thing["id"] for name, thing in made.items()}
