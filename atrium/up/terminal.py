"""Ctrl-C under make."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ctrl_c_is_ours() -> Iterator[None]:
    """A Ctrl-C would reach make too, which then says that it failed although all was stopped in order.

    So, under make, the terminal is ours alone meanwhile.
    """
    if "MAKELEVEL" not in os.environ or not sys.stdin.isatty() or os.tcgetpgrp(0) != os.getpgrp() or os.getpid() == os.getpgrp():
        yield
        return
    before = os.getpgrp()
    for number in (signal.SIGTTOU, signal.SIGTSTP):  # whoever would continue us after Ctrl-Z does not know our group
        signal.signal(number, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(0, before)
