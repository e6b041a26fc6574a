"""What a scan says of a file, and how clamd's answers are read."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a file cannot be looked at to its end."""

    ENCRYPTED = "encrypted"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    BOMB = "bomb"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Clean:
    """clamd looked at all of it and found nothing."""


@dataclass(frozen=True, slots=True)
class Infected:
    """name: of the signature."""

    name: str


@dataclass(frozen=True, slots=True)
class Unscannable:
    """clamd looked at it and did not see all of it, and would not at another try. said: in clamd's words."""

    reason: Reason
    said: str


type Verdict = Clean | Infected | Unscannable


class ClamdIsAway(Exception):
    """clamd did not answer, or not as clamd does: nothing is known of the file. The message says why.

    A file that makes clamd crash ends here too: who counts tries counts those after which clamd answers a `ping`.
    """


class ClamdHungUp(ClamdIsAway):
    """clamd ended the conversation in the middle of a file, be it with an OK: it may have died, and may have died of this file."""


class ClamdGaveUp(ClamdIsAway):
    """clamd answered that it could not do its work (no memory, no disk): it is there, and nothing is known of the file."""


CLEAN = "stream: OK"
TOO_LARGE_A_STREAM = "INSTREAM size limit exceeded. ERROR"

# The beginnings of the names by which clamd says that it did not look at all of a file; the first that fits counts.
# (libclamav: others.c, scanners.c, unzip.c, mbox.c. Before 0.102 the name ended at `Exceeded`.)
_NOT_LOOKED_AT = {
    "Heuristics.Encrypted.": Reason.ENCRYPTED,
    "Heuristics.Limits.Exceeded.MaxRecursion": Reason.TOO_DEEP,
    "Heuristics.Limits.Exceeded.MaxFileSize": Reason.TOO_LARGE,
    # Not tried again: what was made to take for ever would take it ten times.
    "Heuristics.Limits.Exceeded.MaxScanTime": Reason.TOO_LONG,
    "Heuristics.Limits.Exceeded": Reason.BOMB,
    "Heuristics.Zip.OverlappingFiles": Reason.BOMB,
    "Heuristics.XZ.DicSizeLimit": Reason.BOMB,
    "Heuristics.Broken.": Reason.UNREADABLE,
}
# Errors that say something of the file, and would at every try. All others (`Can't allocate memory`, `Can't write to file` …)
# say something of the machine that clamd runs on.
_OF_THE_FILE = {
    "Exceeded max recursion depth": Reason.TOO_DEEP,
    "Exceeded max scan size": Reason.BOMB,
    "Exceeded max scan files": Reason.BOMB,
    "Exceeded time limit": Reason.TOO_LONG,
    "Can't unpack some data": Reason.UNREADABLE,
    "Can't parse data": Reason.UNREADABLE,
    "Bad format or broken data": Reason.UNREADABLE,
}
_FINDING = re.compile(r"stream: (\S+) FOUND")
_ERROR = re.compile(r"(?:stream: )?(\S.*) ERROR")
_LONGEST_SHOWN = 120


def verdict_of(answer: str) -> Verdict:
    """What a whole answer to INSTREAM, without its line's end, says. Raises `ClamdIsAway` where it says nothing of the file."""
    if answer == CLEAN:
        return Clean()
    if answer == TOO_LARGE_A_STREAM:  # clamd's StreamMaxLength is below our limit: the check at the start says so
        return Unscannable(Reason.TOO_LARGE, answer)
    if finding := _FINDING.fullmatch(answer):
        return _of_a_finding(finding[1])
    if error := _ERROR.fullmatch(answer):
        return _of_an_error(error[1])
    raise ClamdIsAway(f"clamd answered {answer[:_LONGEST_SHOWN]!r}, which is no answer of clamd's")


def _of_a_finding(name: str) -> Verdict:
    for beginning, reason in _NOT_LOOKED_AT.items():
        if name.startswith(beginning):
            return Unscannable(reason, name)
    return Infected(name)


def _of_an_error(words: str) -> Verdict:
    if reason := _OF_THE_FILE.get(words):
        return Unscannable(reason, words)
    raise ClamdGaveUp(f"clamd could not scan: {words[:_LONGEST_SHOWN]}")
