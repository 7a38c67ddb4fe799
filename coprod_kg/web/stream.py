"""The way a large body takes to the HTTP server: a pipe with a name; it never fills memory.

granian takes whatever its response stream is given into memory, read or not (a gigabyte for a
client that reads nothing, measured with 2.8), and sends a file piece by piece instead. So the
body goes through a pipe that granian opens and reads as a file: full, it holds the writer up.
"""

import os
import select
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

from coprod_kg.errors import LimitReached

__all__ = ["Pipe"]

_CAPACITY: Final = 1 << 16
"""What a pipe holds; once more than that was written, the other side has opened it."""


class Pipe:
    """One body on its way; close it in any case.

    Args:
        folder: where its name lives until it has been opened.
        seconds: how long a reader may take nothing.
        rate: bytes a second that a reader must take on average while it is waited for.
    """

    def __init__(self, folder: Path, seconds: float, rate: int) -> None:
        self.path: Final = folder / uuid.uuid4().hex
        self._seconds = seconds
        self._rate = rate
        self._waited = 0.0
        self._written = 0
        os.mkfifo(self.path, 0o600)
        self._reading: int | None = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._writing = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)

    def write(self, data: bytes) -> None:
        """Write all of it, as fast as it is read.

        Raises:
            LimitReached: nothing was read for too long, or too little all the time.
            BrokenPipeError: the reader is gone.
        """
        view = memoryview(data)
        while view:
            try:
                count = os.write(self._writing, view)
            except BlockingIOError:
                self._wait()
                continue
            view = view[count:]
            self._written += count
            if self._written > _CAPACITY:
                self._leave()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._writing, select.POLLOUT)
        began = time.monotonic()
        if not poll.poll(self._seconds * 1000):
            raise LimitReached(
                f"the client took nothing of the answer for {self._seconds:g} seconds",
                fix="Read it faster. The limit is the setting reader-seconds.",
            )
        self._waited += time.monotonic() - began
        if self._waited > self._seconds + self._written / self._rate:
            raise LimitReached(
                f"the client took less than {self._rate} bytes of the answer a second",
                fix="Read it faster. The limit is the setting reader-rate.",
            )

    def _leave(self) -> None:
        """Give up our own reading end, and the name: a reader that goes is noticed from now on."""
        if self._reading is not None:
            os.close(self._reading)
            self._reading = None
            with suppress(FileNotFoundError):
                self.path.unlink()

    def close(self) -> None:
        """End the body; a reader that has not opened it yet finds nothing."""
        self._leave()
        os.close(self._writing)
