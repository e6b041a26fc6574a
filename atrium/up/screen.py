"""What `atrium up` shows: what it does while it does it, then one banner."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the process here; whoever read us has left, and that is all."""
        self.quiet = True


class Screen:
    """Lines for people. A terminal that went away must not keep anything from being stopped in order."""

    def __init__(self) -> None:
        self._console = _Console(highlight=False, markup=False, soft_wrap=True)

    def line(self, text: str = "", style: str = "") -> None:
        try:
            self._console.print(text, style=style)
        except OSError:
            self._console.quiet = True

    def warn(self, text: str) -> None:
        self.line(f"! {text}", "yellow")

    @contextmanager
    def step(self, doing: str, done: str) -> Iterator[None]:
        """Show that something is being done, and then how long it took."""
        since = time.monotonic()
        with self._console.status(doing):
            yield
        self.line(f"  {done} ({time.monotonic() - since:.1f} s)")

    def banner(self, url: str, data: Path, moved_from: Path | None, notes: Sequence[str] = ()) -> None:
        """All that somebody needs who sees Atrium for the first time."""
        self.line()
        self.line("Atrium is running.", "bold green")
        self.line(f"  URL       {url}")
        self.line(f"  API page  {url}/api/docs")
        self.line(f"  Data      {data}")
        if moved_from is not None:
            self.line(f"            (PostgreSQL's own user cannot enter {moved_from.parent}, and nobody's folder is opened for it)")
        for note in notes:
            self.warn(note)
        self.line()
        self.line("Paste these three lines to sign up, open a thread and post to it:")
        for line in first_steps(url):
            self.line(line, "cyan")
        self.line()
        self.line("Ctrl-C stops it; the data stays.")


def first_steps(url: str) -> list[str]:
    """Three lines for any shell with curl and sed. Pasted again, they sign in and open another thread."""
    json_body = "-H 'Content-Type: application/json' -d"
    signed_in = '-H "Authorization: Bearer $TOKEN"'
    ada = '"email":"ada@example.com","password":"correct-horse-battery"'
    register = f"""curl -sf {url}/api/auth/register {json_body} '{{{ada},"name":"Ada"}}'"""
    login = f"curl -s {url}/api/auth/login {json_body} '{{{ada}}}'"
    thread = f"""curl -s {url}/api/collab/threads {signed_in} {json_body} '{{"bookingId":"B-'$(date +%s)'","title":"Our first thread"}}'"""
    post = f"""curl -s {url}/api/collab/threads/$THREAD/messages {signed_in} {json_body} '{{"content":"Hello, Atrium."}}'"""
    return [
        rf"""TOKEN=$({{ {register} || {login}; }} | sed 's/.*"accessToken":"\([^"]*\)".*/\1/')""",
        rf"""THREAD=$({thread} | sed 's/"id":"\([^"]*\)".*/\1/; s/.*[{{,]//')""",
        post,
    ]
