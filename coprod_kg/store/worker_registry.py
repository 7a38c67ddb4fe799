"""Registry of which worker process runs which query, kept in shared memory.

A worker that dies says nothing more, so its client learns here which process it was and how it
ended. Each worker writes the query_id of the query that it starts into a mapped file,
``RUN/taken/PID``; a client reads the files only where a connection ended, or nothing arrived for
long.
"""

import mmap
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from coprod_kg.store.exits import ended_at

__all__ = ["WorkerRegistry", "busy", "new_query_id", "worker_of"]

_LENGTH: Final = 32
"""Bytes of a query_id, and so of a file; all 0 while the worker has no query."""
_KEPT_SECONDS: Final = 60.0
"""How long the file of a worker stays that has ended."""


def new_query_id() -> str:
    """A random name for one query."""
    return secrets.token_hex(_LENGTH // 2)


class WorkerRegistry:
    """The registry as its worker writes it: the entry of this process.

    Args:
        run: the runtime directory of the store.
    """

    def __init__(self, run: Path) -> None:
        folder = run / "taken"
        folder.mkdir(exist_ok=True)
        _forget(run)
        with (folder / str(os.getpid())).open("w+b") as file:
            file.truncate(_LENGTH)
            self._page = mmap.mmap(file.fileno(), _LENGTH)

    def take(self, query_id: str) -> None:
        """Write down which query is started now."""
        self._page[:] = query_id.encode("ascii").ljust(_LENGTH)[:_LENGTH]

    def release(self) -> None:
        """Write down that the query is done with."""
        self._page[:] = bytes(_LENGTH)


def worker_of(run: Path, query_id: str) -> int | None:
    """The process number of the worker that started a query last, or None if none has it."""
    for file in (run / "taken").glob("[0-9]*"):
        with suppress(FileNotFoundError):
            if file.read_bytes() == query_id.encode("ascii"):
                return int(file.name)
    return None


def busy(run: Path) -> tuple[int, int]:
    """How many of the workers that are alive have a query, and how many there are."""
    held = []
    for file in (run / "taken").glob("[0-9]*"):
        with suppress(FileNotFoundError):
            if ended_at(run, file.name) is None:
                held.append(bool(file.read_bytes().strip(b"\0")))
    return sum(held), len(held)


def _forget(run: Path) -> None:
    """Remove the files of workers that ended some time ago, as is recorded of their ends.

    The client of one that has just ended may not have looked yet, however old its file is.
    """
    before = time.time() - _KEPT_SECONDS
    for file in (run / "taken").glob("[0-9]*"):
        ended = ended_at(run, file.name)
        if ended is not None and ended < before:
            file.unlink(missing_ok=True)
