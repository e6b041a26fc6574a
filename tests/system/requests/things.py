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
    everybody = {one.id: one for one in (person, other, opener or person)}
    thread = await (opener or person).open(participants=taking_part(*everybody.values()))
    message = await person.say(thread)
    file = await upload(person, thread)
    link = str(new_id())
    if house is not None:
        await house.database.execute("DELETE FROM attachments.resumable_uploads WHERE owner_id = $1", UUID(person.id))  # nobody has many
        await scanned(house, file)
        await with_a_preview(house, file)
        link = expect(await person.post(f"{file['url']}/link", {}), 201)["url"].rpartition("/")[2]
    session = await log_in(person.http, person.user["email"])
    things = {
        "threadId": thread["id"],
        "messageId": message["id"],
        "attachmentId": file["id"],
        "uploadId": (await create(person, thread)).rpartition("/")[2],
        "token": link,
        "userId": other.id,
        "participantId": other.id,
        "sessionId": session.session_id,
        "type": "thread",
        "id": thread["id"],
        **{name: str(new_id()) for name in ("linkId", "projectId")},
    }
    things |= {"workspaceId": person.user["workspaceId"], "name": "agent"}
    if Permission.SERVICE_MANAGE not in expect(await person.get("/api/auth/me"), 200)["permissions"]:
        return things | dict.fromkeys(("invitationId", "accountId", "tokenId"), str(new_id()))
    invitation = expect(await person.post(f"/api/workspaces/{things['workspaceId']}/invitations", {}), 201)
    account = expect(await person.post("/api/service-accounts", {"name": "Bot"}), 201)
    asked = {"name": "main", "scopes": ["chat:room:read"]}
    token = expect(await person.post(f"/api/service-accounts/{account['id']}/tokens", asked), 201)
    return things | {"invitationId": invitation["id"], "accountId": account["id"], "tokenId": token["id"]}
