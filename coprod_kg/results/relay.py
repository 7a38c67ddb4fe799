"""A large answer on its way: taken in as fast as it comes, given out as fast as it is read.

Whoever computes it is not held up by a slow reader: what is not read yet lies in a nameless file
on disk, so memory stays constant. It never hides that an answer failed: the reader gets the same
error, after the bytes that came before it.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from typing import Final

from coprod_kg.errors import CoprodError, LimitReached, StoreError
from coprod_kg.store.base import Answer

__all__ = ["Relay"]

_PIECE: Final = 256 * 1024


class Relay:
    """The bytes of an answer whose length is not known; iterate over it once, or close it.

    Args:
        answer: closed when it ends, or when this is closed.
        most_bytes: more than this ends the answer with `LimitReached`.
    """

    def __init__(self, answer: Answer, most_bytes: int) -> None:
        self._answer = answer
        self._most = most_bytes
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed with the iterator
        self._length = 0
        self._read = 0
        self._ended = False
        self._closed = False
        self._error: CoprodError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._take, name="relay", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._length > self._read or self._ended)
            available = self._length - self._read
        if not available:
            if self._error is not None:
                raise self._error
            raise StopIteration
        piece = os.pread(self._file.fileno(), min(available, _PIECE), self._read)
        self._read += len(piece)
        return piece

    def close(self) -> None:
        """Stop: whoever computes the answer is freed, and the file goes."""
        self._closed = True
        self._answer.close()
        self._thread.join()
        self._file.close()

    def _take(self) -> None:
        try:
            with self._answer:
                for chunk in self._answer.chunks:
                    self._keep(chunk)
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

    def _keep(self, chunk: bytes) -> None:
        if self._length + len(chunk) > self._most:
            raise LimitReached(
                f"the answer is larger than {self._most // 1024**2} MiB",
                fix="Ask for fewer rows at once, with LIMIT and OFFSET. The limit is the "
                "setting result-mb.",
            )
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._file.fileno(), view) :]
        with self._changed:
            self._length += len(chunk)
            self._changed.notify_all()
