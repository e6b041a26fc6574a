"""How kinds of things and links look: in colour, and by their shapes without it."""

from dataclasses import dataclass

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Kind:
    """Of things. icon: a path in 16 by 16; filled: whether it is a shape or a line. On light, and on dark paper."""

    one: str
    many: str
    icon: str
    filled: bool
    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class Tie:
    """A type of links. head: a path whose tip is at 0,0, along the x axis from -9. filled: as for things."""

    name: str
    head: str
    filled: bool
    light: str
    dark: str


KINDS = {
    "TASK": Kind(
        "task", "tasks", "M3 1h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2zM4 8l3 3 5-6", False, "#1d4ed8", "#79b8ff"
    ),
    "FILE": Kind("file", "files", "M3 .5h6.5v4H13.5V15.5H3zM10.5 .5l3 3h-3z", True, "#15803d", "#56d364"),
    "PAGE": Kind("page", "pages", "M1 2.5h14v11H1zM1 6h14M5.5 6v7.5", False, "#7c3aed", "#c4a5ff"),
    "MESSAGE": Kind(
        "message",
        "messages",
        "M2 1.5h12a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5H7l-4 4v-4H2A1.5 1.5 0 0 1 .5 10V3A1.5 1.5 0 0 1 2 1.5z",
        True,
        "#b45309",
        "#f0b849",
    ),
    "THREAD": Kind("thread", "threads", "M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1zM4.5 6h7M4.5 8.5h7M4.5 11h4", False, "#0e7490", "#39d0d8"),
    "ATTACHMENT": Kind(
        "attachment",
        "attachments",
        "M12.5 7l-5.5 5.5a3 3 0 0 1-4.3-4.3l6-6a2 2 0 0 1 2.9 2.9l-5.8 5.8a1 1 0 0 1-1.4-1.4L9.5 4.5",
        False,
        "#be185d",
        "#ff8fc0",
    ),
}

TIES = {
    "LINKED_TO": Tie("linked to", "M-9-4.5L0 0L-9 4.5", False, "#57606a", "#9aa4af"),
    "TASK_FILE": Tie("task and file", "M-9-4.5L0 0L-9 4.5Z", True, "#15803d", "#56d364"),
    "TASK_PAGE": Tie("task and page", "M-9 0L-4.5-4.5L0 0L-4.5 4.5Z", True, "#7c3aed", "#c4a5ff"),
    "TASK_MESSAGE": Tie("task and message", "M-9 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0Z", True, "#b45309", "#f0b849"),
}


def sheet() -> str:
    """Shapes and colours; both of papers, as whoever looks at it prefers."""
    rules = [
        f".atrium text{{font:12px {FONT};unicode-bidi:plaintext}}.atrium .head{{font-weight:600}}",
        ".atrium .icon,.atrium .link{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}",
        ".atrium .card{stroke-width:1.2}.atrium .derived .way{stroke-dasharray:5 4}",
    ]
    return "".join(rules) + _paper("#fff", "#1f2328", "#f6f8fa", dark=False) + f"@media(prefers-color-scheme:dark){{{_dark()}}}"


def css_class(type_name: str) -> str:
    return type_name.lower().replace("_", "-")


def _dark() -> str:
    return _paper("#0d1117", "#e6edf3", "#161b22", dark=True)


def _paper(paper: str, ink: str, card: str, *, dark: bool) -> str:
    rules = [f".atrium .paper{{fill:{paper}}}.atrium text{{fill:{ink}}}.atrium .card{{fill:{card}}}"]
    for name, kind in KINDS.items():
        colour, at = kind.dark if dark else kind.light, f".atrium .{css_class(name)}"
        rules.append(f"{at} .card,{at} .icon{{stroke:{colour}}}" + (f"{at} .icon{{fill:{colour}}}" if kind.filled else ""))
    for name, tie in TIES.items():
        colour, at = tie.dark if dark else tie.light, f".atrium .{css_class(name)}"
        rules.append(f"{at} .way,{at} .tip{{stroke:{colour}}}" + (f"{at} .tip{{fill:{colour}}}" if tie.filled else ""))
    return "".join(rules)
