"""What a worker may use. It reads files that anybody may have sent, so it gets nothing that it does not need."""

import ctypes
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Self

MIB = 1024 * 1024
FIRST_OF_OTHERS, LAST_OF_OTHERS = 3, 65_536  # open files; those before are the standard ones
GRACE = 5.0  # seconds after which a worker ends by itself, when its owner does not end it
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38  # PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS
CREATE_RULESET, RESTRICT_SELF = 444, 446  # Landlock's calls, by the same numbers on every architecture
RIGHTS = ((13, 0, 0), (14, 0, 0), (15, 0, 0), (15, 2, 0), (16, 2, 0), (16, 2, 2))
"""How many rights over files, over the network and over other processes each version of Landlock knows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a worker (`memory`, its address space in MiB, and how many jobs it does) and of each job (seconds of CPU and of the clock)."""

    memory: int = 768
    jobs: int = 50
    cpu: int = 20
    deadline: float = 60.0

    def words(self) -> list[str]:
        """For the worker's command line."""
        return [str(self.memory), str(self.jobs), str(self.cpu), str(self.deadline)]

    @classmethod
    def of_words(cls, memory: str, jobs: str, cpu: str, deadline: str) -> Self:
        return cls(int(memory), int(jobs), int(cpu), float(deadline))


def confine(limits: Limits) -> None:
    """Bind this process for good. Everything that it imports must be imported: from here on it opens no file, no socket, no process."""
    os.closerange(FIRST_OF_OTHERS, LAST_OF_OTHERS)  # uvloop hands on what asyncio closes
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")  # when the machine runs out of memory, this ends first
        deny(libc)
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory * MIB, limits.memory * MIB))
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    for nothing in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(nothing, (0, 0))


def deny(libc: ctypes.CDLL) -> None:
    """What takes no open file: to delete, move or cut those of its user, to look into or end its user's other processes.

    As far as the kernel knows Landlock (5.13, processes 6.12): without, the other limits are all there is.
    """
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return
    denied = struct.pack("=3Q", *((1 << count) - 1 for count in RIGHTS[min(version, len(RIGHTS)) - 1]))
    rules = libc.syscall(CREATE_RULESET, denied, len(denied), 0)
    if rules >= 0:
        libc.syscall(RESTRICT_SELF, rules, 0)
        os.close(rules)


def start_clock(limits: Limits) -> None:
    """From now on this job's seconds count; a job that takes more is ended by the system, whatever it is doing."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = ceil(spent.ru_utime + spent.ru_stime) + limits.cpu
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, limits.deadline + GRACE)


def stop_clock() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
