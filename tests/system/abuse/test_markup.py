"""Content that would run in who reads it: whatever is posted or edited in, what comes back can run nothing."""

import re
from html.parser import HTMLParser

import pytest
import pytest_asyncio

from tests.system.house import House
from tests.system.people import Json, Person, expect, message_path, messages_of, refusal

# From the classic collections (OWASP's filter evasion cheat sheet, html5sec.org, PortSwigger's, DOMPurify's tests).
PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<ScRiPt >alert(1)</sCrIpT >",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script/x>alert(1)</script>",
    "<<script>alert(1);//<</script>",
    "<script\n>alert(1)</script\n>",
    "<script>alert(1)",
    "\"><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<!--><script>alert(1)</script>-->",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror='alert(1)'//",
    "<img/src=x/onerror=alert(1)>",
    "<img src=\"x\" OnErRoR=\"alert(1)\">",
    "<img \"\"\"><script>alert(1)</script>\">",
    "<img src=`x`onerror=alert(1)>",
    "<img src=x:x onerror\x0b=alert(1)>",
    "<img src=javascript:alert(1)>",
    "<img src=\"jav\tascript:alert(1);\">",
    "<img src=\"jav&#x0A;ascript:alert(1);\">",
    "<img src=\" &#14; javascript:alert(1);\">",
    "<img src=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>",
    "<img srcset=\"javascript:alert(1) 1x\" src=x>",
    "<img src=data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\"javascript&colon;alert(1)\">x</a>",
    "<a href=\"java\nscript:alert(1)\">x</a>",
    "<a href=\"\x01javascript:alert(1)\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==\">x</a>",
    "<a href=x onclick=alert(1)>x</a>",
    "<a href=x style=\"background:url(javascript:alert(1))\">x</a>",
    "<a href=\"https://x.example\" target=_blank onmouseover=alert(1)>x</a>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><script xlink:href=data:,alert(1) />",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text x=20 y=20>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><set attributeName=href to=javascript:alert(1) /></svg>",
    "<svg><foreignObject><iframe srcdoc=\"<script>alert(1)</script>\"></iframe></foreignObject></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='alert(1)'/></svg>#x\"/>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<math href=\"javascript:alert(1)\">x</math>",
    "<math><maction actiontype=\"statusline\" xlink:href=\"javascript:alert(1)\">x</maction></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc=\"&lt;script&gt;alert(1)&lt;/script&gt;\"></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "<link rel=stylesheet href=javascript:alert(1)>",
    "<base href=javascript:alert(1)//>",
    "<style>@import 'javascript:alert(1)';</style>",
    "<div style=\"width:expression(alert(1))\">x</div>",
    "<table background=javascript:alert(1)><tr><td>x</td></tr></table>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<isindex action=javascript:alert(1) type=image>",
    "<template><script>alert(1)</script></template>",
    "<xss onpointerenter=alert(1) tabindex=1 id=x>x</xss>",
    "<p id=x onbeforecopy=alert(1) contenteditable>x</p>",
    "<b/onmouseover=alert(1)//>x</b>",
    "<x contenteditable onblur=alert(1)>x",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u00bcscript\u00bealert(1)\u00bc/script\u00be",
    "<img\u2028src=x\u2028onerror=alert(1)>",
]  # fmt: skip

NEVER = {
    *("script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input", "button", "textarea", "select"),
    *("svg", "math", "meta", "link", "base", "template", "noscript", "audio", "video", "source", "animate", "set", "body", "html", "head"),
}
ADDRESSES = {"href", "src", "srcset", "cite", "action", "formaction", "background", "poster", "data", "xlink:href", "longdesc"}
HARMLESS = re.compile(r"(?:https?|mailto|tel):|(?![a-z][a-z0-9+.-]*:)", re.IGNORECASE)  # or none: another place on the same site


class Dangers(HTMLParser):
    """What in a text would run, or could."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in NEVER or ":" in tag:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            address = re.sub(r"[\x00-\x20\x7f-\xa0\u2028\u2029]", "", value or "")
            if name.startswith("on") or name in ("style", "srcdoc") or (name in ADDRESSES and not HARMLESS.match(address)):
                self.found.append(f"{name}={value}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}>")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"<!{data}>")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data}>")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writer(house: House) -> Person:
    return await house.person()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def thread(writer: Person) -> Json:
    return await writer.open()


def test_the_check_knows_danger_when_it_sees_it() -> None:
    """Some are none until a careless cleaner makes them one."""
    assert sum(bool(Dangers(payload).found) for payload in PAYLOADS) >= 60
    assert Dangers('<p title="x">a <b>b</b> <a href="https://x.example">c</a> <a href="/d">d</a> &lt;script&gt;</p>').found == []


@pytest.mark.parametrize("around", ["{}", "before {} after", "<b>{}</b>", '<a href="{}">x</a>', "<p title='{}'>x</p>"])
async def test_what_comes_back_can_run_nothing(around: str, writer: Person, thread: Json) -> None:
    message = await writer.say(thread)
    for payload in PAYLOADS:
        content = around.format(payload)
        for answer in (
            await writer.post(messages_of(thread), {"content": content}),
            await writer.patch(message_path(message), {"content": content}),
        ):
            if answer.status_code == 422:
                assert [error["code"] for error in answer.json()["errors"]] == ["empty"], payload
                continue
            assert answer.status_code in (200, 201), payload
            cleaned = answer.json()["content"]
            assert Dangers(cleaned).found == [], f"{payload} became {cleaned}"
    shown = (await writer.page(thread, limit=200))["messages"]
    assert [each["content"] for each in shown if Dangers(each["content"]).found] == []


async def test_what_was_cleaned_stays_as_it_is(writer: Person, thread: Json) -> None:
    """A text that changes when it is cleaned again was not clean (mutation XSS)."""
    for payload in PAYLOADS:
        first = await writer.post(messages_of(thread), {"content": f"x {payload}"})
        once = expect(first, 201)["content"]
        assert expect(await writer.post(messages_of(thread), {"content": once}), 201)["content"] == once


async def test_names_and_titles_are_text_and_come_back_as_they_are(writer: Person) -> None:
    """They are no HTML: whoever shows them escapes them, and every answer says that it is JSON and not to be guessed at."""
    for payload in PAYLOADS:
        answer = await writer.post("/api/collab/threads", {"kind": "group", "title": payload.replace("\x00", ""), "description": payload})
        thread = expect(answer, 201)
        assert (thread["title"], thread["description"]) == (payload.strip(), payload)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_is_told_of_a_refused_request_is_no_markup(writer: Person) -> None:
    for payload in PAYLOADS[:10]:
        answer = await writer.ask("POST", "/api/collab/threads", {payload: 1})
        assert refusal(answer) == (422, "request_is_invalid")
        assert answer.headers["x-content-type-options"] == "nosniff"
