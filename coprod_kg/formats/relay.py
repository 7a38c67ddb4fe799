"""Buffer on disk between the worker that computes a large answer and the client that reads it.

What is not read yet lies in a nameless file on disk, so the query worker is released when the
answer is computed, and memory stays constant. Where the disk has no more room for it, the answer
is computed as fast as it is read; the deadline of the query then bounds how long that holds a
worker.
An answer that fails raises the same error in its reader, after the bytes before it.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from coprod_kg.errors import CoprodError, LimitReached, StoreError
from coprod_kg.store.base import Answer

__all__ = ["Relay", "SpoolQuota"]

_PIECE: Final = 256 * 1024
_STEP: Final = 1 << 20
"""Room on disk is taken in steps of this many bytes; the first one needs none."""
_LEFT_FREE: Final = 1 << 30
"""Bytes of the disk that are left to the store, which needs them for its commits."""


class SpoolQuota(Protocol):
    """The bytes on disk that all buffered answers together may still take."""

    def take(self, amount: int) -> bool:
        """Reserve some bytes; false where fewer are left."""
        ...

    def give_back(self, amount: int) -> None:
        """Release bytes that were reserved."""
        ...


class Relay:
    """The bytes of an answer whose length is not known; iterate over it once, or close it.

    Args:
        answer: closed when it ends, or when this is closed.
        most_bytes: more than this ends the answer with `LimitReached`.
        room: where room on disk is taken.
        folder: where the file is made; it has no name, so that it ends with this process.
    """

    def __init__(
        self, answer: Answer, most_bytes: int, room: SpoolQuota, folder: Path | None
    ) -> None:
        self._answer = answer
        self._most_bytes = most_bytes
        self._room = room
        # Not in the folder for temporary files: under systemd that is memory.
        self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - see close
        self._reserved = 0
        """Bytes of room that are reserved."""
        self._total = 0
        """Bytes of the answer so far, read or not."""
        self._start = 0
        """Where in the file the reader goes on: what lies before is read."""
        self._end = 0
        """Where in the file the thread goes on writing."""
        self._ended = False
        self._closed = False
        self._error: CoprodError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._copy, name="relay", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._end > self._start or self._ended)
            available = self._end - self._start
        if not available:
            if self._error is not None:
                raise self._error
            raise StopIteration
        piece = os.pread(self._file.fileno(), min(available, _PIECE), self._start)
        with self._changed:
            self._start += len(piece)
            self._changed.notify_all()
        return piece

    def close(self) -> None:
        """Stop: the worker that computes the answer is released, and the file goes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._answer.close()
        self._thread.join()
        self._file.close()
        self._room.give_back(self._reserved)
        self._reserved = 0

    def _copy(self) -> None:
        """The work of the thread: write the answer to the file, as far ahead as there is room."""
        try:
            with self._answer:
                for chunk in self._answer.chunks:
                    self._write_chunk(chunk)
                    if self._closed:
                        return
        except CoprodError as error:
            self._error = error
        except OSError as error:
            self._error = StoreError(f"the answer cannot be kept on disk: {error.strerror}")
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _write_chunk(self, chunk: bytes) -> None:
        self._total += len(chunk)
        if self._total > self._most_bytes:
            raise LimitReached(
                f"the answer is larger than {self._most_bytes // 1024**2} MiB",
                fix="Ask for fewer rows at once, with LIMIT and OFFSET. The limit is the "
                "setting result-mb.",
                setting="result-mb",
            )
        with self._changed:
            # Where all is read the file is written from its beginning again, and its first step
            # needs no room. So without room for more the thread waits until all is read.
            if self._start == self._end or not self._grow(len(chunk)):
                self._changed.wait_for(lambda: self._start == self._end or self._closed)
                self._begin_again()
        view = memoryview(chunk)
        offset = self._end
        while view:
            count = os.pwrite(self._file.fileno(), view, offset)
            view, offset = view[count:], offset + count
        with self._changed:
            self._end = offset
            self._changed.notify_all()

    def _grow(self, amount: int) -> bool:
        """Reserve room for more bytes; false where there is none."""
        while self._end + amount > self._reserved + _STEP:
            disk = os.fstatvfs(self._file.fileno())
            if disk.f_bavail * disk.f_frsize < _LEFT_FREE or not self._room.take(_STEP):
                return False
            self._reserved += _STEP
        return True

    def _begin_again(self) -> None:
        """All is read: use the file from its beginning, and give its room back."""
        if self._end > _STEP:
            os.ftruncate(self._file.fileno(), 0)
        self._room.give_back(self._reserved)
        self._start = self._end = self._reserved = 0
