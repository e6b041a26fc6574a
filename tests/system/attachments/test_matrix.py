"""Every state of a file, every route, everybody: nothing but what was found clean gives a byte, to nobody who may not see it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx2
import pytest
import pytest_asyncio

from tests.system.attachments.gallery import Exhibit, Gallery, gallery_in
from tests.system.attachments.matrix import FILES, HEADS, INSPECTORS, ROLES, ROUTES, SERVED, STATES, Cell, code, sees, status
from tests.system.house import House, running_gateway, running_house
from tests.system.people import expect, message_path, messages_of, path_of, refusal

UNLIMITED = {"requests_per_minute": 0, "anonymous_per_minute": 0}
EACH_FILE, EACH_STATE = pytest.mark.parametrize("file", FILES), pytest.mark.parametrize("state", STATES)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gallery(stored_for_all: House) -> Gallery:
    return await gallery_in(stored_for_all, stored_for_all.url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def unscanned_gallery() -> AsyncIterator[Gallery]:
    """Where scanning is off."""
    async with running_house({"scanning": "off"}) as careless:
        yield await gallery_in(careless, careless.url, ["posted"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def redirecting_gallery(over_s3: House) -> AsyncIterator[Gallery]:
    """Where the store itself is asked to serve."""
    async with running_gateway(over_s3.servers, attachment_redirects=True, **UNLIMITED, **over_s3.store) as url:
        yield await gallery_in(over_s3, url)


@EACH_STATE
@EACH_FILE
async def test_everybody_by_every_route(gallery: Gallery, file: str, state: str) -> None:
    assert await wrong(gallery, file, state, ROUTES) == {}


@EACH_STATE
async def test_while_scanning_is_off_what_was_not_scanned_is_served_and_nothing_else(unscanned_gallery: Gallery, state: str) -> None:
    assert await wrong(unscanned_gallery, "posted", state, ("open", "range", "preview", "make_link", "link"), scanning=False) == {}


@EACH_STATE
@EACH_FILE
async def test_nobody_is_sent_to_the_store_for_what_is_not_clean(redirecting_gallery: Gallery, file: str, state: str) -> None:
    assert await wrong(redirecting_gallery, file, state, ROUTES, redirected=True) == {}


async def wrong(
    gallery: Gallery, file: str, state: str, routes: Sequence[str], *, scanning: bool = True, redirected: bool = False
) -> dict[Cell, str]:
    """Whose answers are not those of the tables, and what is wrong with them."""
    exhibit = gallery.shown[file, state]
    faults = {}
    for role in ROLES:  # one after the other: on a busy machine, to ask for all at once takes longer than calls wait for an answer
        cells = [Cell(role, file, state, route) for route in routes]
        for cell, answer in zip(cells, await asyncio.gather(*map(gallery.ask, cells)), strict=True):
            expected = status(cell, scanning=scanning)
            if redirected and expected in SERVED and cell.route not in HEADS:
                faults[cell] = await fault_of_redirect(exhibit, cell, answer, gallery.house.http)
            else:
                faults[cell] = fault(exhibit, cell, answer, expected)
    return {cell: said for cell, said in faults.items() if said}


def fault(exhibit: Exhibit, cell: Cell, answer: httpx2.Response, expected: int) -> str:
    """What is wrong with an answer; nothing where all is well."""
    if answer.status_code != expected:
        return f"{answer.status_code} instead of {expected}"
    if expected in SERVED:
        return "" if answer.content == served(exhibit, cell) else "other bytes"
    if exhibit.secret in answer.content or exhibit.preview_secret in answer.content:
        return "its bytes"
    if expected < 400:
        return ""
    if cell.route not in HEADS and refusal(answer) != (expected, code(cell, expected)):
        return f"the code {refusal(answer)[1]}"
    told = {"etag", "location", "content-range", "content-disposition"} & set(answer.headers)
    return f"it tells {told}" if told else ""


async def fault_of_redirect(exhibit: Exhibit, cell: Cell, answer: httpx2.Response, anybody: httpx2.AsyncClient) -> str:
    """The store gives to anybody what it was told to give, for a minute. Our tag means nothing to it: it is asked without."""
    if (answer.status_code, answer.content) != (307, b""):
        return f"{answer.status_code} instead of a redirect"
    got = await anybody.get(answer.headers["location"], headers={"range": "bytes=16-99"} if cell.route.endswith("range") else {})
    return "" if got.content == served(exhibit, cell) else "other bytes"


def served(exhibit: Exhibit, cell: Cell) -> bytes:
    whole = exhibit.preview if cell.route.startswith("preview") else exhibit.content
    return b"" if cell.route in HEADS else whole[16:100] if cell.route.endswith("range") else whole


@pytest.mark.parametrize("role", ROLES)
async def test_lists_and_messages_tell_of_what_is_seen_and_never_carry_a_byte(gallery: Gallery, role: str) -> None:
    seen = {exhibit.id for (file, state), exhibit in gallery.shown.items() if sees(role, file) and state not in ("deleted", "missing")}
    if role in INSPECTORS:
        seen.add(gallery.shown["unposted", "infected"].id)
    answers = [await gallery.get(role, f"{path_of(gallery.thread)}/attachments?limit=200")]
    if answers[0].status_code == 200:
        assert {file["id"] for file in expect(answers[0], 200)["attachments"]} == seen
    else:
        assert seen == set()
    page = await gallery.get(role, f"{messages_of(gallery.thread)}?limit=200")
    if page.status_code == 200:
        assert {file["id"] for message in page.json()["messages"] for file in message["attachments"]} <= seen | gone(gallery, role)
    answers += [page, await gallery.get(role, path_of(gallery.thread)), await gallery.get(role, "/api/collab/threads")]
    answers += [await gallery.get(role, message_path(exhibit.message_id)) for exhibit in gallery.shown.values() if exhibit.message_id]
    for exhibit in gallery.shown.values():
        assert not [answer.url for answer in answers if exhibit.secret in answer.content or exhibit.preview_secret in answer.content]


def gone(gallery: Gallery, role: str) -> set[str]:
    """What a message's copy may name for a moment yet."""
    return {gallery.shown[file, state].id for file, state in gallery.shown if state in ("deleted", "missing") and sees(role, file)}
