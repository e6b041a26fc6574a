"""What a worker and its owner say to each other, over one socket.

For each job comes a line of JSON (answered by `READY`), then the file in frames (a length, then that many bytes), then an empty frame.
Back goes a line of JSON and, for a picture, its previews behind it.
"""

import struct

READY = b"ready\n"
LENGTH = struct.Struct("!I")
END = LENGTH.pack(0)
