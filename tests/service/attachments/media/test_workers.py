"""Whatever a file does to the worker that reads it, the next one is read, and nothing is left behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from services.attachments.media.contents import LONGEST_SOUND, MOST_BYTES, CannotBeRead, Picture, Reason
from services.attachments.media.limits import Limits
from services.attachments.media.pool import Decoders
from tests.service.attachments.media import samples
from tests.service.attachments.media.workers import chunks, gone, workers

SMALL = samples.picture((16, 16))
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


async def read(decoders: Decoders) -> Picture:
    return await decoders.picture(chunks(SMALL))


async def refused(reading: Awaitable[object]) -> CannotBeRead:
    with pytest.raises(CannotBeRead) as refusal:
        await reading
    return refusal.value


async def interrupted(act: Callable[[], object], content: bytes = SMALL) -> AsyncIterator[bytes]:
    """Half of a file, something that happens then, and the other half."""
    yield content[: len(content) // 2]
    act()
    yield content[len(content) // 2 :]


def send(number: signal.Signals) -> None:
    """To the one worker that there is."""
    (worker,) = workers()
    worker.send_signal(number)


async def test_twenty_at_once_are_read_by_two_workers() -> None:
    decoders = Decoders(2)
    seen: set[int] = set()

    async def watched(content: bytes) -> AsyncIterator[bytes]:
        yield content
        seen.update(worker.pid for worker in workers())

    good = [decoders.picture(watched(samples.picture((100 + place, 50)))) for place in range(14)]
    bad = [decoders.picture(watched(b"no picture")) for _ in range(6)]
    answers = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert [answer.width for answer in answers[:14] if isinstance(answer, Picture)] == list(range(100, 114))
    assert [answer.reason for answer in answers[14:] if isinstance(answer, CannotBeRead)] == [Reason.BROKEN] * 6
    assert len(seen) == 2
    await decoders.close()


async def test_no_worker_runs_before_there_is_work() -> None:
    decoders = Decoders()
    assert workers() == []
    await read(decoders)
    assert len(workers()) == 1
    await decoders.close()
    assert workers() == []


async def test_a_worker_is_replaced_after_so_many_files() -> None:
    decoders = Decoders(1, Limits(jobs=2))
    used = []
    for _ in range(4):
        await read(decoders)
        used += [worker.pid for worker in workers()]
    assert len(used) == 2, "each is gone once its second file is read"
    assert len(set(used)) == 2
    await decoders.close()


async def test_a_worker_that_takes_too_much_memory_is_refused_it() -> None:
    decoders = Decoders(1, Limits(memory=256))
    large = samples.png_of_zeros(7_000, 7_000, bits=8, colour=2)
    assert (await refused(decoders.picture(chunks(large)))).reason is Reason.OUT_OF_MEMORY
    assert (await read(decoders)).width == 16
    await decoders.close()


async def test_a_worker_that_takes_too_much_time_of_the_processor_is_ended() -> None:
    decoders = Decoders(1, Limits(cpu=0))
    refusal = await refused(decoders.sound(chunks(samples.silence(int(LONGEST_SOUND)))))
    assert (refusal.reason, refusal.may_pass) == (Reason.OUT_OF_TIME, True)
    assert (await read(decoders)).width == 16
    await decoders.close()


async def test_a_worker_that_hangs_is_ended_at_the_deadline() -> None:
    decoders = Decoders(1, Limits(deadline=2))
    refusal = await refused(decoders.picture(interrupted(lambda: send(signal.SIGSTOP))))
    assert (refusal.reason, refusal.may_pass) == (Reason.OUT_OF_TIME, True)
    assert workers() == []
    assert (await read(decoders)).width == 16
    await decoders.close()


async def test_a_worker_that_stops_reading_is_ended_at_the_deadline() -> None:
    decoders = Decoders(1, Limits(deadline=2))
    more_than_a_socket_holds = bytes(8 * 1024 * 1024)
    refusal = await refused(decoders.picture(interrupted(lambda: send(signal.SIGSTOP), more_than_a_socket_holds)))
    assert refusal.reason is Reason.OUT_OF_TIME
    assert workers() == []
    await decoders.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
async def test_a_worker_that_is_killed_in_the_middle_takes_one_file_with_it(number: signal.Signals) -> None:
    decoders = Decoders(1)
    refusal = await refused(decoders.picture(interrupted(lambda: send(number))))
    assert (refusal.reason, refusal.may_pass) == (Reason.WORKER_ENDED, True)
    assert f"{-number}" in refusal.detail
    assert (await read(decoders)).width == 16
    await decoders.close()


async def test_a_worker_that_was_killed_while_it_waited_takes_none() -> None:
    decoders = Decoders(1)
    await read(decoders)
    (worker,) = workers()
    worker.kill()
    await gone(worker)
    assert (await read(decoders)).width == 16
    assert worker.pid not in [other.pid for other in workers()]
    await decoders.close()


async def test_a_file_with_more_bytes_than_are_read_is_not_read_to_its_end() -> None:
    decoders = Decoders(1)
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1024 * 1024
            yield bytes(1024 * 1024)

    assert (await refused(decoders.picture(endless()))).reason is Reason.TOO_LARGE
    assert given == MOST_BYTES + 1024 * 1024
    await decoders.close()


class StoreBroke(Exception): ...


@pytest.mark.parametrize("error", [StoreBroke, TimeoutError, ConnectionResetError])
async def test_what_the_store_raises_is_raised_as_it_is(error: type[Exception]) -> None:
    decoders = Decoders(1)

    def fail() -> None:
        raise error

    with pytest.raises(error):
        await decoders.picture(interrupted(fail))
    assert (await read(decoders)).width == 16
    await decoders.close()


async def test_the_store_is_let_go_however_a_job_ends() -> None:
    decoders = Decoders(1)
    let_go = []

    async def held() -> AsyncIterator[bytes]:
        try:
            yield SMALL
            send(signal.SIGKILL)
            while True:
                yield SMALL
        finally:
            let_go.append(True)

    await refused(decoders.picture(held()))
    assert let_go == [True]
    await decoders.close()


async def test_a_job_that_is_given_up_leaves_its_worker_to_nobody() -> None:
    decoders = Decoders(1)
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield SMALL
        begun.set()
        await asyncio.Event().wait()

    job = asyncio.create_task(decoders.picture(slow()))
    await begun.wait()
    (worker,) = workers()
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert not worker.is_running()
    assert (await read(decoders)).width == 16
    await decoders.close()


async def test_closing_ends_what_is_under_way() -> None:
    decoders = Decoders(1)
    begun = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield SMALL
        begun.set()
        await asyncio.sleep(0)
        while True:
            await asyncio.sleep(0)
            yield SMALL

    job = asyncio.create_task(decoders.picture(slow()))
    await begun.wait()
    await decoders.close()
    assert (await refused(job)).reason is Reason.WORKER_ENDED
    assert workers() == []


@linux_only
async def test_nothing_is_left_behind() -> None:
    await a_bad_day()
    before = os.listdir("/proc/self/fd")
    await a_bad_day()
    assert workers() == []
    assert sorted(os.listdir("/proc/self/fd")) == sorted(before)


async def a_bad_day() -> None:
    decoders = Decoders(2, Limits(jobs=3))
    jobs = [decoders.picture(interrupted(lambda: None, content)) for content in (SMALL, b"", b"no picture", SMALL) * 3]
    await asyncio.gather(*jobs, return_exceptions=True)
    await asyncio.gather(*(decoders.sound(chunks(SMALL)) for _ in range(3)), return_exceptions=True)
    for worker in workers():
        worker.kill()
    await asyncio.gather(read(decoders), read(decoders))
    await decoders.close()
