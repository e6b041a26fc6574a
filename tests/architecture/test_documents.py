"""The documents for people: their links lead somewhere, and what they tell people to paste is what the program says."""

import re
from pathlib import Path

import pytest

from atrium.up.screen import first_steps

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "docs/architecture.md", "docs/operations.md", "docs/realtime.md"]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text())
    assert [link for link in links if not link.startswith("http") and not leads_somewhere(ROOT / page, link)] == []


def test_the_first_steps_are_those_of_the_banner() -> None:
    assert "\n".join(first_steps("http://127.0.0.1:8080")) in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = re.findall(r"`((?:atrium|services|shared|deploy|tests|docs)/[\w./-]+)`", (ROOT / page).read_text())
    assert [name for name in named if name != "deploy/.env" and not (ROOT / name).exists()] == []
