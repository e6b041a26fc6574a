"""Messages through the API (spec 1, Message Operations)."""

import asyncio
from datetime import timedelta
from unittest.mock import ANY
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, path_of, refusal, taking_part, wrong_fields


@pytest_asyncio.fixture(loop_scope="session")
async def thread(agent: Person, client: Person) -> Json:
    """The agent's, in which the client takes part."""
    return await agent.open(participants=taking_part(client))


async def test_a_message_is_shown_with_all_its_fields(client: Person, agent: Person, thread: Json) -> None:
    first = await agent.say(thread, "When?")
    sent = {
        "content": "Tuesday",
        "channel": "whatsapp",
        "replyTo": first["id"],
        "metadata": {"wamid": "1", "deep": {"list": [1, 2.5, None, True]}},
        "contentMetadata": {"lang": "en"},
        "clientMessageId": "a key ~ 1",
    }
    answer = await client.post(messages_of(thread), sent)
    message = expect(answer, 201)
    assert message == sent | {
        "id": ANY,
        "threadId": thread["id"],
        "seq": 2,
        "subSeq": 0,
        "rootId": first["id"],
        "authorId": client.id,
        "authorRole": "client",
        "authorName": client.user["name"],
        "messageType": "chat",
        "mentions": [],
        "attachments": [],
        "deliveryStatus": "delivered",
        "robotId": None,
        "robotResponseTo": None,
        "createdAt": ANY,
        "editedAt": None,
        "deletedAt": None,
    }
    assert answer.headers["location"] == message_path(message)
    assert "idempotent-replayed" not in answer.headers
    assert expect(await agent.get(answer.headers["location"]), 200) == message
    assert (await agent.page(thread))["messages"] == [first, message]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain & simple", "plain &amp; simple"),
        ("<b>bold</b><script>alert(1)</script>", "<b>bold</b>"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<img src="x" onerror="alert(1)">', '<img src="x">'),
        ("emoji 👩‍👩‍👧 and \u202e", "emoji 👩‍👩‍👧 and \u202e"),
    ],
)
async def test_html_is_cleaned(sent: str, kept: str, client: Person, thread: Json) -> None:
    message = await client.say(thread, sent)
    assert message["content"] == kept
    assert expect(await client.patch(message_path(message), {"content": f"{sent}!"}), 200)["content"] == f"{kept}!"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"content": ""}, "content", "too_short"),
        ({"content": " \n "}, "content", "empty"),
        ({"content": "<script>alert(1)</script>"}, "content", "empty"),
        ({"content": "x" * 10_001}, "content", "too_long"),
        ({"content": "a\0b"}, "content", "invalid"),
        ({"content": 7}, "content", "string_type"),
        ({"content": None}, "content", "string_type"),
        ({"channel": "telegram"}, "channel", "not_one_of"),
        ({"metadata": {"a": "x" * 16_384}}, "metadata", "invalid"),
        ({"metadata": {"a": {"b\0": 1}}}, "metadata", "invalid"),
        ({"metadata": [1]}, "metadata", "dict_type"),
        ({"contentMetadata": "x"}, "contentMetadata", "dict_type"),
        ({"replyTo": "x"}, "replyTo", "uuid_parsing"),
        ({"clientMessageId": ""}, "clientMessageId", "string_pattern_mismatch"),
        ({"clientMessageId": "k" * 65}, "clientMessageId", "string_pattern_mismatch"),
        ({"clientMessageId": "ключ"}, "clientMessageId", "string_pattern_mismatch"),
        ({"clientMessageId": "a\n"}, "clientMessageId", "string_pattern_mismatch"),
        ({"authorId": str(new_id())}, "authorId", "unknown_field"),
        ({"seq": 1}, "seq", "unknown_field"),
        ({"threadId": str(new_id())}, "threadId", "unknown_field"),
    ],
)
async def test_posting_says_which_field_is_wrong(change: Json, field: str, code: str, client: Person, thread: Json) -> None:
    assert wrong_fields(await client.post(messages_of(thread), {"content": "Hello", **change})) == {field: code}
    assert (await client.page(thread))["messages"] == []


@pytest.mark.parametrize("content", ["x" * 10_000, "&" * 10_000, "👩" * 10_000, "<b>" * 3_333 + "x"])
async def test_ten_thousand_characters_are_taken(content: str, client: Person, thread: Json) -> None:
    message = await client.say(thread, content)
    assert (await client.page(thread))["messages"] == [message]


async def test_pages_go_both_ways_and_never_miss_a_message(client: Person, thread: Json) -> None:
    said = [await client.say(thread, str(number)) for number in range(7)]
    newest = await client.page(thread, limit=3)
    assert list(newest) == ["messages", "hasMore", "nextCursor", "asOf"]
    assert (newest["messages"], newest["hasMore"]) == (said[4:], True)
    older = await client.page(thread, limit=3, before=newest["nextCursor"])
    assert (older["messages"], older["hasMore"]) == (said[1:4], True)
    oldest = await client.page(thread, limit=3, before=older["nextCursor"])
    assert oldest == {"messages": said[:1], "hasMore": False, "nextCursor": None}
    newer = await client.page(thread, limit=4, after=said[0]["id"])
    assert (newer["messages"], newer["hasMore"]) == (said[1:5], True)
    rest = await client.page(thread, limit=4, after=newer["nextCursor"])
    assert (rest["messages"], rest["hasMore"]) == (said[5:], False)
    nothing = await client.page(thread, after=rest["nextCursor"])
    assert nothing == {"messages": [], "hasMore": False, "nextCursor": rest["nextCursor"], "asOf": rest["asOf"]}
    more = await client.say(thread, "7")
    assert (await client.page(thread, after=nothing["nextCursor"]))["messages"] == [more]
    assert (await client.page(thread, before=said[2]["id"]))["messages"] == said[:2]


async def test_a_page_of_an_empty_thread_can_be_polled_from(client: Person, thread: Json) -> None:
    assert await client.page(thread) == {"messages": [], "hasMore": False, "nextCursor": None, "asOf": ANY}
    first = await client.say(thread)
    assert (await client.page(thread, after=first["id"]))["messages"] == []


async def test_a_cursor_is_for_its_own_thread(agent: Person, thread: Json) -> None:
    other = await agent.open()
    said = [await agent.say(other) for _ in range(2)]
    cursor = (await agent.page(other, limit=1))["nextCursor"]
    for foreign in (cursor, said[0]["id"], str(new_id()), str(uuid4()), "x", "", "AAAA", cursor + "=", cursor[:-1], "é"):
        for way in ("before", "after"):
            assert refusal(await agent.get(messages_of(thread), **{way: foreign})) == (400, "cursor_is_not_valid"), foreign


async def test_a_flipped_bit_makes_a_cursor_invalid(agent: Person, thread: Json) -> None:
    for _ in range(2):
        await agent.say(thread)
    cursor = (await agent.page(thread, limit=1))["nextCursor"]
    for place, character in enumerate(cursor):
        flipped = cursor[:place] + ("A" if character != "A" else "B") + cursor[place + 1 :]
        assert refusal(await agent.get(messages_of(thread), before=flipped)) == (400, "cursor_is_not_valid")


async def test_before_and_after_exclude_each_other(agent: Person, thread: Json) -> None:
    message = await agent.say(thread)
    assert wrong_fields(await agent.get(messages_of(thread), before=message["id"], after=message["id"])) == {"body": "invalid"}


async def test_an_edit_changes_the_content_alone(house: House, client: Person, agent: Person, thread: Json) -> None:
    message = await client.say(thread, "Tuesday")
    edited = expect(await client.patch(message_path(message), {"content": "Wednesday"}), 200)
    assert edited == message | {"content": "Wednesday", "editedAt": ANY}
    assert edited["editedAt"] >= message["createdAt"]
    assert (await agent.page(thread))["messages"] == [edited]
    assert await house.events("messages", thread["id"]) == ["message_posted", "message_edited"]


async def test_a_message_can_be_edited_for_five_minutes(house: House, client: Person, thread: Json) -> None:
    early, late = await client.say(thread), await client.say(thread)
    in_time = await house.backdated(early, timedelta(minutes=4, seconds=50))
    too_late = await house.backdated(late, timedelta(minutes=5, seconds=1))
    expect(await client.patch(message_path(in_time), {"content": "In time"}), 200)
    assert refusal(await client.patch(message_path(too_late), {"content": "Late"})) == (409, "edit_window_is_over")
    expect(await client.delete(message_path(too_late)), 204)


async def test_a_deleted_message_keeps_its_place_and_says_nothing(house: House, client: Person, agent: Person, thread: Json) -> None:
    message = await client.say(thread, "Secret", metadata={"a": 1}, contentMetadata={"b": 2}, clientMessageId="once")
    after = await client.say(thread, "After")
    answer = await client.delete(message_path(message))
    assert (answer.status_code, answer.content) == (204, b"")
    blank = message | {"content": "", "metadata": {}, "contentMetadata": {}, "deletedAt": ANY}
    assert (await agent.page(thread))["messages"] == [blank, after]
    assert expect(await agent.get(message_path(message)), 200) == blank
    assert (await client.delete(message_path(message))).status_code == 204
    assert refusal(await client.patch(message_path(message), {"content": "x"})) == (409, "message_is_deleted")
    assert refusal(await client.post(messages_of(thread), {"content": "x", "replyTo": message["id"]})) == (422, "replied_message_not_found")
    assert await house.events("messages", thread["id"]) == ["message_posted", "message_posted", "message_deleted"]
    replayed = await client.post(
        messages_of(thread), {"content": "Secret", "metadata": {"a": 1}, "contentMetadata": {"b": 2}, "clientMessageId": "once"}
    )
    assert expect(replayed, 201) == blank


async def test_who_owns_a_thread_deletes_others_messages_there(owner: Person, client: Person) -> None:
    own = await owner.open(participants=taking_part(client))
    message = await client.say(own)
    expect(await owner.delete(message_path(message)), 204)
    assert refusal(await client.delete(message_path(await owner.say(own)))) == (403, "not_the_author")


async def test_a_reply_stays_in_its_thread(agent: Person, thread: Json) -> None:
    other = await agent.say(await agent.open())
    for reply_to in (other["id"], str(new_id()), str(uuid4())):
        answer = await agent.post(messages_of(thread), {"content": "Hm", "replyTo": reply_to})
        assert refusal(answer) == (422, "replied_message_not_found")


async def test_a_post_sent_again_is_the_same_message(house: House, client: Person, thread: Json) -> None:
    sent = {"content": "Once", "clientMessageId": "k-1", "metadata": {"a": 1, "b": 2}}
    message = expect(await client.post(messages_of(thread), sent), 201)
    answer = await client.post(messages_of(thread), {**sent, "metadata": {"b": 2, "a": 1}})
    assert (expect(answer, 201), answer.headers["idempotent-replayed"]) == (message, "true")
    assert answer.headers["location"] == message_path(message)
    edited = expect(await client.patch(message_path(message), {"content": "Changed"}), 200)
    assert expect(await client.post(messages_of(thread), sent), 201) == edited, "the thing as it is now"
    assert (await client.page(thread))["messages"] == [edited]
    assert await house.events("messages", thread["id"]) == ["message_posted", "message_edited"]


@pytest.mark.parametrize("change", [{"content": "Twice"}, {"channel": "sms"}, {"metadata": {"a": 1}}, {"contentMetadata": {"a": 1}}])
async def test_a_key_with_another_body_is_a_conflict(change: Json, client: Person, thread: Json) -> None:
    sent = {"content": "Once", "clientMessageId": "k-1"}
    expect(await client.post(messages_of(thread), sent), 201)
    assert refusal(await client.post(messages_of(thread), {**sent, **change})) == (409, "key_was_used_for_another")


async def test_a_key_belongs_to_its_author_and_its_thread(client: Person, agent: Person, thread: Json) -> None:
    sent = {"content": "Once", "clientMessageId": "k-1"}
    first = expect(await client.post(messages_of(thread), sent), 201)
    second = expect(await agent.post(messages_of(thread), sent), 201)
    third = expect(await client.post(messages_of(await client.open()), sent), 201)
    assert len({first["id"], second["id"], third["id"]}) == 3


async def test_a_replay_comes_after_the_access_check(client: Person, agent: Person, thread: Json) -> None:
    sent = {"content": "Once", "clientMessageId": "k-1"}
    expect(await client.post(messages_of(thread), sent), 201)
    expect(await agent.patch(path_of(thread), {"participants": []}), 200)
    assert refusal(await client.post(messages_of(thread), sent)) == (404, "thread_not_found")


async def test_of_many_retries_at_once_one_is_the_message(house: House, client: Person, thread: Json) -> None:
    sent = {"content": "Once", "clientMessageId": "k-1"}
    answers = await asyncio.gather(*(client.post(messages_of(thread), sent) for _ in range(50)))
    assert len({expect(answer, 201)["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await house.events("messages", thread["id"]) == ["message_posted"]


async def test_large_messages_fill_a_page_of_a_megabyte(agent: Person, thread: Json) -> None:
    for number in range(25):
        await agent.say(thread, f"{number} {'&' * 9_990}")  # each is five times as long when it is clean
    pages: list[list[Json]] = []
    cursor: Json = {}
    while True:
        answer = await agent.get(messages_of(thread), limit=200, **cursor)
        page = expect(answer, 200)
        assert len(answer.content) < 1_100_000
        pages.insert(0, page["messages"])
        if page["nextCursor"] is None:
            break
        cursor = {"before": page["nextCursor"]}
    assert len(pages) == 2
    assert [message["seq"] for messages in pages for message in messages] == list(range(1, 26))
