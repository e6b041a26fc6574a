"""What clamd says of files of all kinds, and what becomes of it."""

from collections.abc import Callable

import pytest

from services.attachments.scanning.clamd import Clamd
from services.attachments.scanning.verdicts import ClamdGaveUp, ClamdIsAway, Clean, Infected, Reason, Unscannable, Verdict, verdict_of
from tests.clamav import LIMIT
from tests.samples import HARMLESS, VIRUSES, in_encrypted_zip, in_zip, zeros_in_gz, zeros_in_zip_in_zip
from tests.service.scanning.chunks import chunks

type Sample = Callable[[], bytes]


@pytest.mark.parametrize("sample", VIRUSES.values(), ids=VIRUSES)
async def test_a_virus_is_found_wherever_it_is(sample: Sample, clamd: Clamd) -> None:
    found = await clamd.scan(chunks(sample()))
    assert isinstance(found, Infected)
    assert found.name.startswith("Eicar-Test-Signature")


@pytest.mark.parametrize("sample", HARMLESS.values(), ids=HARMLESS)
async def test_what_is_harmless_is_clean(sample: Sample, clamd: Clamd) -> None:
    assert await clamd.scan(chunks(sample())) == Clean()


UNSCANNABLE: dict[str, tuple[Reason, Sample]] = {
    "an encrypted zip": (Reason.ENCRYPTED, lambda: in_encrypted_zip(b"nobody sees it")),
    "zips 20 deep": (Reason.TOO_DEEP, lambda: in_zip(b"nobody sees it", 20)),
    "1 GB of zeros in a zip in a zip": (Reason.BOMB, lambda: zeros_in_zip_in_zip(1024)),
    "half a GB of zeros in a gz": (Reason.BOMB, lambda: zeros_in_gz(512)),
    "more than a stream may have": (Reason.TOO_LARGE, lambda: bytes(LIMIT + 2 * 1024 * 1024)),
}


@pytest.mark.parametrize(("reason", "sample"), UNSCANNABLE.values(), ids=UNSCANNABLE)
async def test_what_clamd_does_not_look_at_is_unscannable_each_time(reason: Reason, sample: Sample, clamd: Clamd) -> None:
    content = sample()
    for _ in range(2):  # clamd remembers what it found clean
        found = await clamd.scan(chunks(content))
        assert isinstance(found, Unscannable)
        assert found.reason == reason


async def test_a_virus_too_deep_to_be_seen_is_not_clean(clamd: Clamd) -> None:
    assert isinstance(await clamd.scan(chunks(in_zip(VIRUSES["plain"](), 20))), Unscannable)


@pytest.mark.parametrize("size", [1, 1000, 64 * 1024, 64 * 1024 + 1, 3_000_000])
async def test_how_the_bytes_come_makes_no_difference(size: int, clamd: Clamd) -> None:
    virus = bytes(200_000) + VIRUSES["plain"]()
    assert isinstance(await clamd.scan(chunks(virus, size)), Infected)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("stream: OK", Clean()),
        ("stream: Win.Trojan.A-1 FOUND", Infected("Win.Trojan.A-1")),
        ("stream: Heuristics.Phishing.Email.SpoofedDomain FOUND", Infected("Heuristics.Phishing.Email.SpoofedDomain")),
        ("stream: Heuristics.Encrypted.PDF FOUND", Unscannable(Reason.ENCRYPTED, "Heuristics.Encrypted.PDF")),
        (
            "stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND",
            Unscannable(Reason.TOO_LONG, "Heuristics.Limits.Exceeded.MaxScanTime"),
        ),
        (
            "stream: Heuristics.Limits.Exceeded.EmailHeaders FOUND",
            Unscannable(Reason.BOMB, "Heuristics.Limits.Exceeded.EmailHeaders"),
        ),
        ("stream: Can't parse data ERROR", Unscannable(Reason.UNREADABLE, "Can't parse data")),
        ("INSTREAM size limit exceeded. ERROR", Unscannable(Reason.TOO_LARGE, "INSTREAM size limit exceeded. ERROR")),
    ],
)
def test_an_answer_is_read(answer: str, verdict: Verdict) -> None:
    assert verdict_of(answer) == verdict


@pytest.mark.parametrize("answer", ["stream: Can't allocate memory ERROR", "Error writing to temporary file ERROR"])
def test_an_error_of_clamds_machine_says_nothing_of_the_file(answer: str) -> None:
    with pytest.raises(ClamdGaveUp, match="could not scan"):
        verdict_of(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "OK",
        "stream:OK",
        "stream: ok",
        "stream: OK ",
        " stream: OK",
        "stream: OK\r",
        "stream: NOT OK",
        "/etc/passwd: OK",
        "stream: FOUND",
    ],
)
def test_only_the_exact_ok_is_clean(answer: str) -> None:
    with pytest.raises(ClamdIsAway, match="no answer of clamd's"):
        verdict_of(answer)
