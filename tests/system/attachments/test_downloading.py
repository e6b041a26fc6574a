"""Files are downloaded: by whoever may see them, whole or in part, and as nothing that runs."""

import os
from uuid import UUID

import pytest

from shared.contracts.principal import Role
from shared.identifiers import new_id
from tests.samples import noise
from tests.system.attachments.files import Room, Sent, put_into_a_message, scanned, sha256, unheard_of
from tests.system.people import expect, path_of, refusal

CONTENT = noise(700_000)
PNG = b"\x89PNG\r\n\x1a\n" + os.urandom(100)


async def test_a_clean_file_is_served_as_something_to_be_saved(room: Room) -> None:
    made = await room.clean(Sent(CONTENT, "trip.bin"))
    answer = await room.client.get(made["url"])
    assert (answer.status_code, sha256(answer.content)) == (200, made["sha256"])
    shown = {name: answer.headers[name] for name in ("content-type", "content-length", "content-disposition", "etag", "accept-ranges")}
    assert shown == {
        "content-type": "application/octet-stream",
        "content-length": "700000",
        "content-disposition": 'attachment; filename="trip.bin"',
        "etag": f'"{made["sha256"]}"',
        "accept-ranges": "bytes",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("status", ["pending", "scanning", "infected", "unscannable", "failed", "unscanned"])
async def test_nothing_but_a_clean_file_is_served(folder_room: Room, status: str) -> None:
    made = await folder_room.upload()
    await scanned(folder_room.house, made, status)
    for answer in (
        await folder_room.client.get(made["url"]),
        await folder_room.client.get(f"{made['url']}/preview"),
        await folder_room.client.post(f"{made['url']}/link", {}),
    ):
        assert refusal(answer) == (409, "attachment_is_not_clean")
        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [("scanStatus", status)]


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-300000", 10, 300_001),
        ("bytes=699999-", 699_999, 700_000),
        ("bytes=-5", 699_995, 700_000),
        ("bytes=-999999999", 0, 700_000),
        ("bytes=5-999999999999", 5, 700_000),
    ],
)
async def test_a_range_is_served(room: Room, asked: str, begin: int, end: int) -> None:
    made = await room.clean(Sent(CONTENT))
    answer = await room.client.ask("GET", made["url"], range=asked)
    assert (answer.status_code, answer.content == CONTENT[begin:end]) == (206, True)
    assert answer.headers["content-range"] == f"bytes {begin}-{end - 1}/700000"
    assert answer.headers["content-length"] == str(end - begin)


async def test_a_range_that_means_nothing_is_the_whole_file(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(b"0123456789"))
    for asked in ("bytes=0-1,4-5", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=0-1", "bytes", "", "bytes=0-" + "9" * 30):
        answer = await folder_room.client.ask("GET", made["url"], range=asked)
        assert (answer.status_code, answer.content) == (200, b"0123456789"), asked


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=999-1000", "bytes=-0"])
async def test_a_range_behind_the_end_is_refused_with_the_length(folder_room: Room, asked: str) -> None:
    made = await folder_room.clean(Sent(b"0123456789"))
    answer = await folder_room.client.ask("GET", made["url"], range=asked)
    assert refusal(answer) == (416, "range_is_not_in_the_file")
    assert answer.headers["content-range"] == "bytes */10"


async def test_an_interrupted_download_goes_on_where_the_file_is_the_same(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(b"0123456789"))
    same = await folder_room.client.ask("GET", made["url"], range="bytes=5-", if_range=f'"{made["sha256"]}"')
    other = await folder_room.client.ask("GET", made["url"], range="bytes=5-", if_range='"another"')
    assert [(same.status_code, same.content), (other.status_code, other.content)] == [(206, b"56789"), (200, b"0123456789")]


async def test_what_a_client_has_is_not_sent_again(folder_room: Room) -> None:
    made = await folder_room.clean(Sent(b"0123456789"))
    tag = f'"{made["sha256"]}"'
    for known in (tag, f"W/{tag}", f'"another", {tag}', "*"):
        answer = await folder_room.client.ask("GET", made["url"], if_none_match=known, range="bytes=99-")
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (await folder_room.client.ask("GET", made["url"], if_none_match='"another"')).status_code == 200


async def test_a_file_that_is_not_the_one_meant_is_refused(folder_room: Room) -> None:
    made = await folder_room.clean()
    assert refusal(await folder_room.client.ask("GET", made["url"], if_match='"another"')) == (412, "file_is_another")
    assert (await folder_room.client.ask("GET", made["url"], if_match=f'"{made["sha256"]}"')).status_code == 200


async def test_head_tells_all_but_the_bytes(room: Room) -> None:
    made = await room.clean(Sent(CONTENT))
    got, head = await room.client.get(made["url"]), await room.client.ask("HEAD", made["url"])
    apart = {"date", "x-request-id", "ratelimit"}
    assert (head.status_code, head.content) == (200, b"")
    assert {name: value for name, value in head.headers.items() if name not in apart} == {
        name: value for name, value in got.headers.items() if name not in apart
    }


async def test_a_picture_is_shown_where_that_is_asked_for(folder_room: Room) -> None:
    picture, text = await folder_room.clean(Sent(PNG, "a.png")), await folder_room.clean(Sent(b"<script>", "a.html", "text/html"))
    shown = await folder_room.client.get(picture["url"], disposition="inline")
    assert (shown.headers["content-type"], shown.headers["content-disposition"]) == ("image/png", 'inline; filename="a.png"')
    saved = await folder_room.client.get(text["url"], disposition="inline")
    assert (saved.headers["content-type"], saved.headers["content-disposition"]) == ("text/html", 'attachment; filename="a.html"')
    assert refusal(await folder_room.client.get(picture["url"], disposition="open")) == (422, "request_is_invalid")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Plan für Köln.pdf", "attachment; filename=\"Plan f_r K_ln.pdf\"; filename*=UTF-8''Plan%20f%C3%BCr%20K%C3%B6ln.pdf"),
        ('a"b%\\c.txt', 'attachment; filename="c.txt"'),
        ('say "hi" 100%.txt', "attachment; filename=\"say _hi_ 100_.txt\"; filename*=UTF-8''say%20%22hi%22%20100%25.txt"),
        ("👩‍🚀.png", "attachment; filename=\"___.png\"; filename*=UTF-8''%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80.png"),
    ],
)
async def test_a_name_is_read_by_every_client(folder_room: Room, name: str, header: str) -> None:
    made = await folder_room.clean(Sent(disposition=b'form-data; name="file"; filename="%b"' % name.replace('"', "%22").encode()))
    assert (await folder_room.client.get(made["url"])).headers["content-disposition"] == header


async def test_a_file_of_no_message_is_its_uploaders_alone(folder_room: Room) -> None:
    made = await folder_room.clean()
    assert (await folder_room.client.get(made["url"])).status_code == 200
    assert refusal(await folder_room.agent.get(made["url"])) == (404, "attachment_not_found")
    assert [one["id"] for one in await folder_room.listed(folder_room.client)] == [made["id"]]
    assert await folder_room.listed(folder_room.agent) == []


async def test_a_messages_file_is_for_those_who_see_the_message(folder_room: Room) -> None:
    message = await folder_room.client.say(folder_room.thread)
    made = await folder_room.clean()
    await put_into_a_message(folder_room.house, made, message)
    stranger = await folder_room.house.person()
    assert (await folder_room.agent.get(made["url"])).status_code == 200
    assert refusal(await stranger.get(made["url"])) == (404, "attachment_not_found")
    assert [one["messageId"] for one in await folder_room.listed(folder_room.agent)] == [message["id"]]


async def test_a_notes_file_is_for_those_who_see_notes(folder_room: Room) -> None:
    note = await folder_room.agent.say(folder_room.thread, channel="note")
    made = await folder_room.clean(by=folder_room.agent)
    await put_into_a_message(folder_room.house, made, note)
    colleague = await folder_room.house.person(Role.AGENT)
    assert (await colleague.get(made["url"])).status_code == 200
    assert refusal(await folder_room.client.get(made["url"])) == (404, "attachment_not_found")


async def test_who_was_removed_reads_their_own_file_no_more(folder_room: Room) -> None:
    made = await folder_room.clean()
    expect(await folder_room.agent.patch(path_of(folder_room.thread), {"participants": []}), 200)
    for answer in (await folder_room.client.get(made["url"]), await folder_room.client.delete(made["url"])):
        assert refusal(answer) == (404, "attachment_not_found")


async def test_hidden_deleted_and_missing_are_told_alike(folder_room: Room) -> None:
    hidden, deleted = await folder_room.clean(by=folder_room.agent), await folder_room.clean()
    expect(await folder_room.client.delete(deleted["url"]), 204)
    for path in ("", "/preview"):
        answers = [
            await folder_room.client.ask("GET", url + path, x_request_id="same") for url in (hidden["url"], deleted["url"], unheard_of())
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        assert len({tuple((n, v) for n, v in answer.headers.items() if n not in ("date", "ratelimit")) for answer in answers}) == 1


async def test_a_row_without_its_object_is_a_failure_that_may_pass(room: Room) -> None:
    made = await room.clean()
    key = await room.house.database.fetchval("SELECT storage_key FROM attachments.attachments WHERE id = $1", UUID(made["id"]))
    store = room.store()
    await store.open()
    await store.delete(key)
    assert refusal(await room.client.get(made["url"])) == (503, "store_is_away")


async def test_a_link_serves_one_file_to_anybody_for_five_minutes(folder_room: Room) -> None:
    house, made = folder_room.house, await folder_room.clean(Sent(b"0123456789", "trip.bin"))
    answer = await folder_room.client.post(f"{made['url']}/link", {})
    link = expect(answer, 201)
    assert answer.headers["location"] == link["url"]
    got = await house.http.get(link["url"], headers={"range": "bytes=2-4"})
    assert (got.status_code, got.content, got.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    await house.database.execute("UPDATE attachments.links SET expires_at = now() WHERE attachment_id = $1", UUID(made["id"]))
    expired, made_up = await house.http.get(link["url"]), await house.http.get(f"/api/collab/links/{new_id()}")
    assert [refusal(expired), refusal(made_up)] == [(404, "link_not_found")] * 2


async def test_a_link_serves_no_longer_than_the_file(folder_room: Room) -> None:
    http, made = folder_room.house.http, await folder_room.clean()
    link = expect(await folder_room.client.post(f"{made['url']}/link", {}), 201)["url"]
    await scanned(folder_room.house, made, "infected")
    assert refusal(await http.get(link)) == (409, "attachment_is_not_clean")
    await scanned(folder_room.house, made)
    assert (await http.get(link)).status_code == 200
    expect(await folder_room.client.delete(made["url"]), 204)
    assert refusal(await http.get(link)) == (404, "link_not_found")


async def test_a_link_is_made_by_those_who_may_read(folder_room: Room) -> None:
    made = await folder_room.clean()
    assert refusal(await folder_room.agent.post(f"{made['url']}/link", {})) == (404, "attachment_not_found")
