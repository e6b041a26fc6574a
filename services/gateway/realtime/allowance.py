"""How much one client may send: a bucket of frames and one of bytes, which fill up again by the second."""

BURST = 4  # seconds' worth that may come at once


class Allowance:
    __slots__ = ("_at", "_bytes", "_frames", "_per_second")

    def __init__(self, now: float, frames: int, bytes: int) -> None:
        self._at, self._per_second = now, (frames, bytes)
        self._frames, self._bytes = float(frames * BURST), float(bytes * BURST)

    def covers(self, now: float, frames: int, bytes: int) -> bool:
        """Take so much of it."""
        (most_frames, most_bytes), passed = self._per_second, now - self._at
        self._at = now
        self._frames = min(most_frames * BURST, self._frames + passed * most_frames) - frames
        self._bytes = min(most_bytes * BURST, self._bytes + passed * most_bytes) - bytes
        return self._frames >= 0 and self._bytes >= 0
