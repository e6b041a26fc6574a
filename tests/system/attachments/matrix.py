"""Who gets which answer by which route, in whatever state a file is: one table of who sees it, one of what is answered to those."""

from typing import NamedTuple

# The files: `posted` in a message; in a `note`; `guarded`, in a message that guests do not see; `unposted`, in no message yet. The people:
# `uploader` and `member` take part, `guest` too; `latecomer` came afterwards and may not see what was before (canSeeHistory: false);
# `removed` took part; `outsider`, `agent`, `productOwner`, `admin` never did; `auditor` may read the log alone; `program` is a service
# account; `foreign` is the admin of another workspace. Who does not see a file is not told that it is there.
SEES = """
              posted  note  guarded  unposted
uploader      yes     yes   yes      yes
member        yes     404   yes      404
guest         yes     404   404      404
latecomer     404     404   404      404
removed       404     404   404      404
outsider      404     404   404      404
agent         yes     yes   yes      404
productOwner  yes     404   yes      404
admin         yes     yes   yes      404
auditor       403     403   403      403
program       yes     404   yes      404
foreign       404     404   404      404
nobody        401     401   401      401
"""

# What those who see a file are answered, and everybody by `link`, an address that was made while it was clean. While scanning is off,
# `unscanned` is served too, and nothing else is by that.
ANSWERS = """
                   open  inline  head  range  if_range  known  preview  preview_head  preview_range  make_link  link
pending            409   409     409   409    409       409    409      409           409            409        409
scanning           409   409     409   409    409       409    409      409           409            409        409
clean              200   200     200   206    206       304    200      200           206            201        200
infected           409   409     409   409    409       409    409      409           409            409        409
unscannable        409   409     409   409    409       409    409      409           409            409        409
failed             409   409     409   409    409       409    409      409           409            409        409
unscanned          409   409     409   409    409       409    409      409           409            409        409
unscanned_and_off  200   200     200   206    206       304    200      200           206            201        200
deleted            404   404     404   404    404       404    404      404           404            404        404
missing            404   404     404   404    404       404    404      404           404            404        404
"""

# Who is told in the list of what was infected before it got into a message: nobody else would ever see that.
INSPECTORS = ("uploader", "agent", "admin")
SERVED = (200, 206)
HEADS = ("head", "preview_head")
CODES = {401: "token_is_missing", 403: "permission_is_missing", 404: "attachment_not_found", 409: "attachment_is_not_clean"}


class Cell(NamedTuple):
    """One caller asks for one file by one route."""

    role: str
    file: str
    state: str
    route: str


def _rows(table: str) -> dict[str, dict[str, str]]:
    header, *rows = (line.split() for line in table.splitlines() if line.strip())
    return {name: dict(zip(header, values, strict=True)) for name, *values in rows}


_SEES, _ANSWERS = _rows(SEES), _rows(ANSWERS)
ROLES = tuple(_SEES)
FILES = tuple(_SEES["nobody"])
STATES = tuple(state for state in _ANSWERS if state != "unscanned_and_off")
ROUTES = tuple(_ANSWERS["clean"])


def sees(role: str, file: str) -> bool:
    return _SEES[role][file] == "yes"


def status(cell: Cell, *, scanning: bool) -> int:
    """What the tables say."""
    state = cell.state if scanning or cell.state != "unscanned" else "unscanned_and_off"
    if cell.route != "link" and not sees(cell.role, cell.file):
        return int(_SEES[cell.role][cell.file])
    return int(_ANSWERS[state][cell.route])


def code(cell: Cell, answered: int) -> str:
    """Of a refusal."""
    return "link_not_found" if (cell.route, answered) == ("link", 404) else CODES[answered]
