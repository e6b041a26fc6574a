"""A browser's own WebSocket and EventSource, while their gateway is killed and comes back."""

from pydantic_core import to_json

from tests.faults.browser import open_page, web_server
from tests.faults.gateways import more_gateways
from tests.faults.house import House, eventually
from tests.processes import HOST
from tests.system.people import Json

PAGE = """<!doctype html><title>Atrium</title><ol id="shown"></ol><script>
const ends = [];
let cursor, ready = 0;
function show(frame) {
    if (frame.type !== 'messagePosted') return;
    const line = document.createElement('li');
    line.textContent = frame.data.message.content;
    document.getElementById('shown').append(line);
}
function follow(url, token) {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(JSON.stringify(cursor ? {type: 'auth', token, cursor} : {type: 'auth', token}));
    socket.onmessage = message => {
        const frame = JSON.parse(message.data);
        cursor = frame.cursor ?? cursor;
        ready += frame.type === 'ready';
        show(frame);
    };
    socket.onclose = closed => { ends.push(closed.code); setTimeout(follow, 200, url, token); };
}
const shown = () => [...document.querySelectorAll('#shown li')].map(line => line.textContent);
</script>"""

LISTEN = """(async () => {
    const answer = await fetch('/api/auth/cookie', {method: 'POST', headers: {authorization: 'Bearer ' + %s}});
    window.ready = window.errors = 0;
    window.told = [];
    const events = new EventSource('/api/collab/events?types=messagePosted');
    events.addEventListener('ready', () => { ready += 1; });
    events.addEventListener('messagePosted', event => told.push(JSON.parse(event.data).data.message.content));
    events.onerror = () => { errors += 1; };
    window.events = events;
    return answer.status;
})()"""


def js(value: object) -> str:
    return to_json(value).decode()


async def test_a_page_of_an_allowed_origin_follows_by_a_websocket_and_another_may_not(house: House) -> None:
    thread, person = await house.opened_thread(), house.people[0]
    async with (
        web_server(PAGE) as port,
        more_gateways(house, 1, ATRIUM_CORS_ORIGINS=f"http://{HOST}:{port}") as (gateway,),
        open_page() as page,
    ):
        socket = f"{gateway.url.replace('http', 'ws')}/api/collab/ws"

        async def has_shown(*contents: str) -> bool:
            return bool(await page.run("shown()") == [*contents])

        async def is_ready(times: int) -> bool:
            return bool(await page.run("ready") == times)

        await page.go(f"http://{HOST}:{port}/")
        await page.run(f"follow({js(socket)}, {js(person.access_token)})")
        await eventually(lambda: is_ready(1), "the page follows")
        await person.say(thread, "Before")
        await eventually(lambda: has_shown("Before"), "it is shown")
        gateway.process.kill()
        await person.say(thread, "Meanwhile")
        await gateway.process.start()
        await eventually(lambda: is_ready(2), "the page follows again")
        await person.say(thread, "After")
        await eventually(lambda: has_shown("Before", "Meanwhile", "After"), "all is shown, once and in order")

        await page.go(f"http://localhost:{port}/")
        await page.run(f"follow({js(socket)}, {js(person.access_token)})")

        async def has_been_refused() -> bool:
            return bool((await page.run("ends.length")) > 1)

        await eventually(has_been_refused, "the foreign page is refused")
        assert (set(await page.run("ends")), await page.run("ready"), await page.run("shown()")) == ({1006}, 0, [])


async def test_a_page_of_the_gateway_follows_by_an_event_source_with_its_cookie(house: House) -> None:
    thread, person = await house.opened_thread(), house.people[0]
    async with more_gateways(house, 1) as (gateway,), open_page() as page:

        async def told(*contents: str) -> bool:
            return bool(await page.run("told") == [*contents])

        async def follows() -> bool:
            return bool(await page.run("ready"))

        await page.go(f"{gateway.url}/healthz")
        assert await page.run(LISTEN % js(person.access_token)) == 204
        assert await page.run("document.cookie") == ""
        await eventually(follows, "the page follows")
        await person.say(thread, "Before")
        await eventually(lambda: told("Before"), "it is told")
        gateway.process.kill()
        await person.say(thread, "Meanwhile")
        await gateway.process.start()
        await eventually(lambda: told("Before", "Meanwhile"), "it has come back, and is told what it missed")
        await person.say(thread, "After")
        await eventually(lambda: told("Before", "Meanwhile", "After"), "all is told, once and in order")
        assert await page.run("ready") > 1


async def test_the_event_stream_takes_the_cookie_of_nobody_elses_page_and_nothing_else_does(house: House) -> None:
    cookie = {"cookie": f"atrium_access={house.people[0].access_token}"}
    statuses: Json = {}
    for site in ("same-origin", "same-site", "cross-site"):
        async with house.http.stream("GET", "/api/collab/events", headers={**cookie, "sec-fetch-site": site}) as answer:
            statuses[site] = answer.status_code
    assert statuses == {"same-origin": 200, "same-site": 401, "cross-site": 401}
    assert (await house.http.get("/api/collab/snapshot-cursor", headers=cookie)).status_code == 401
