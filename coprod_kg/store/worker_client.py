"""Client of the query workers: one pending query on a connection of its own.

A caller waits in a thread (`PendingQuery.answer`) or looks when the connection is readable
(`PendingQuery.at_once`), and may change from the second to the first.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import CoprodError, Overloaded, RequestError, StoreUnavailable
from coprod_kg.sandbox import wire
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query
from coprod_kg.store.engine_errors import stopped_by
from coprod_kg.store.exits import exit_status, panic
from coprod_kg.store.in_memory import address, may_read_memory, version_to_read
from coprod_kg.store.worker_registry import new_query_id, worker_of

__all__ = ["RESERVED", "NeedsThread", "PendingQuery", "WorkerLost", "request"]

RESERVED: Final = "query-reserved"
"""The socket of the workers that only clients with a token are given."""

_GRACE_SECONDS: Final = 5.0
_IN_MEMORY_SECONDS: Final = 0.1
"""Seconds that a query waits for a worker with the version in memory; then others are asked."""
_SMALL: Final = 1 << 16
"""No larger answer is taken at once."""
_TIMEVAL: Final = struct.Struct("@ll")


class WorkerLost(Exception):
    """A query worker ended before it took the query."""


class NeedsThread(Exception):
    """An answer has to be waited for, as it is large or not there yet: that is a thread's work."""


class PendingQuery:
    """A query that was sent to the workers; close it, or the answer that it became.

    Args:
        run: the runtime directory of the store.
        query: what is asked.
        settings: how long to wait, and the limits of the worker.

    Raises:
        Overloaded: too many wait for a worker.
        StoreUnavailable: nobody answers.
    """

    def __init__(self, run: Path, query: Query, settings: Settings) -> None:
        self._run = run
        self._query = query
        self._settings = settings
        self._cancellation = query.cancellation
        self._seconds = min(query.seconds, settings.query_seconds)
        self._query_id = new_query_id()
        self._may_read_memory = may_read_memory(query)
        version = version_to_read(query, settings) if self._may_read_memory else None
        in_memory = None if version is None else _connected_to_memory(run, version)
        self._asks_memory = in_memory is not None
        self._socket = in_memory or _connected(run, query, settings.queue_seconds)
        if query.cancellation is not None:
            query.cancellation.on_cancel(self.disconnect)
        self._send(replace(query, version=version) if self._asks_memory else query)

    def _send(self, query: Query) -> None:
        """Send the query, or its beginning."""
        self._stream = wire.Stream(self._socket, socket.MSG_WAITALL)
        message = request(query, self._seconds, self._query_id, in_memory=self._may_read_memory)
        self._unsent = wire.framed_message(message)
        with suppress(OSError):  # `answer` finds out what is wrong
            self._unsent = self._unsent[self._socket.send(self._unsent) :]

    def fileno(self) -> int:
        """The file descriptor that can be read when there is something to look at."""
        return self._socket.fileno()

    def disconnect(self) -> None:
        """End it from another thread; the waiting thread sees the end of the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, which releases the worker."""
        self._socket.close()

    def poll(self) -> Answer | None:
        """The answer if it is small and complete already, or None while it may still become so.

        Raises:
            NeedsThread: it is an error, a large answer, or the end of the connection.
        """
        try:
            received = self._socket.recv(_SMALL)
        except BlockingIOError:
            return None
        except OSError:
            raise NeedsThread from None
        frames = self._stream.feed(received)
        if frames is None:
            if not received or self._unsent or self._stream.buffered > _SMALL:
                raise NeedsThread
            return None
        head = wire.message(frames[0])
        if head.get("length") is None:  # an error
            raise NeedsThread
        return Answer(head["media_type"], head["version"], head["length"], iter(frames[1:]))

    def answer(self) -> Answer:
        """Wait for the answer; see `coprod_kg.store.base.Store.query` for what is raised.

        Raises:
            WorkerLost: no worker has taken the query; another one can be asked.
        """
        try:
            return self._answer()
        except BaseException:
            self.close()
            raise

    def _answer(self) -> Answer:
        self._socket.setblocking(True)
        queue_seconds = self._settings.queue_seconds
        self._wait_up_to(
            min(queue_seconds, _IN_MEMORY_SECONDS) if self._asks_memory else queue_seconds
        )
        try:  # the question is there when a worker takes the connection up
            if self._unsent:  # sending nothing would fail where all is answered already
                self._socket.sendall(self._unsent)
                self._unsent = b""
            head = self._head()
        except BlockingIOError:
            if not self._asks_memory:
                raise _overloaded(queue_seconds) from None
            self._fall_back_to_files()
            return self._answer()
        except (EOFError, OSError):
            raise self._ended() from None
        if self._stream.feed(b"") is None:
            self._wait_up_to(self._seconds + _GRACE_SECONDS)
        wire.raise_error(head)
        return Answer(
            media_type=head["media_type"],
            version=head["version"],
            length=head["length"],
            chunks=_Frames(self, self._stream, self._ended),
        )

    def _fall_back_to_files(self) -> None:
        """Ask the workers that read files, as all are busy that have the version in memory."""
        self._socket.close()
        self._asks_memory = False
        self._socket = _connected(self._run, self._query, self._settings.queue_seconds)
        self._send(self._query)

    def _head(self) -> dict[str, Any]:
        """The first message; after some time without one, the registry tells whether to wait."""
        try:
            return self._stream.message()
        except BlockingIOError:
            if worker_of(self._run, self._query_id) is None:
                raise
        self._wait_up_to(self._seconds + _GRACE_SECONDS)
        try:
            return self._stream.message()
        except BlockingIOError:
            raise EOFError from None

    def _wait_up_to(self, seconds: float) -> None:
        """Set the kernel's timeout; with Python's own, each read would take two system calls."""
        whole, part = divmod(seconds, 1)
        value = _TIMEVAL.pack(int(whole), int(part * 1_000_000))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
        if self._unsent:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)

    def _ended(self) -> CoprodError | WorkerLost:
        """The reason for which the connection ended."""
        if self._cancellation is not None and self._cancellation.cancelled:
            return _left()
        pid = worker_of(self._run, self._query_id)
        if pid is None:
            return WorkerLost()
        status, seconds = exit_status(self._run, pid), self._seconds
        stopped = stopped_by(
            status, "query", seconds, self._settings.query_memory_mb, panic(self._run, pid)
        )
        how = "" if status is None else f" with status {status}"
        return stopped or StoreUnavailable(
            f"the query worker ended before it answered{how}", fix="Send the query again."
        )


class _Frames:
    """The frames of an answer as they arrive; closing it closes the connection."""

    def __init__(
        self, asking: PendingQuery, stream: wire.Stream, why: Callable[[], Exception]
    ) -> None:
        self._asking = asking
        self._stream = stream
        self._why = why

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            frame = self._stream.receive()
        except (EOFError, OSError):
            self.close()
            why = self._why()
            if isinstance(why, WorkerLost):  # its worker has taken another one up since
                why = StoreUnavailable("the query worker broke the answer off")
            raise why from None
        if frame == wire.END:
            self.close()
            raise StopIteration
        return frame

    def close(self) -> None:
        """Close the connection, which releases the worker."""
        self._asking.close()


def _connected_to_memory(run: Path, version: int) -> socket.socket | None:
    """A connection to the workers that have a version in memory, where they have room."""
    with suppress(OSError):  # there are none, or enough wait for them
        return _connection(address(run, version))
    return None


def _connected(run: Path, query: Query, seconds: float) -> socket.socket:
    """A connection to the workers that read files.

    Raises:
        Overloaded: too many wait for one.
        StoreUnavailable: nobody listens.
    """
    try:
        if query.reserved:
            with suppress(FileNotFoundError):  # no worker is kept for such queries
                return _connection(f"{run}/{RESERVED}")
        return _connection(f"{run}/query")
    except BlockingIOError:
        raise _overloaded(seconds) from None
    except OSError:
        raise StoreUnavailable("no process answers for the store") from None


def _connection(path: str) -> socket.socket:
    """A connection that does not block; the kernel refuses one at once where the queue is full."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def request(
    query: Query, seconds: float, query_id: str, *, in_memory: bool = False
) -> dict[str, object]:
    """The message that asks a query worker."""
    return {
        "query_id": query_id,
        "text": query.text,
        "media_types": query.media_types,
        "default_graphs": query.default_graphs,
        "named_graphs": query.named_graphs,
        "version": query.version,
        "in_memory": in_memory,
        "seconds": seconds,
        "union": query.union,
        "dataset_query": query.dataset_query,
        "excluded_graphs": query.excluded_graphs,
        "hidden": astuple(query.hidden),
        "calls": query.calls,
    }


def _left() -> RequestError:
    return RequestError("whoever asked has left")


def _overloaded(seconds: float) -> Overloaded:
    return Overloaded(
        f"no query worker became free within {seconds:g} seconds",
        fix="Try again in a moment. The operator can raise workers, long-queries or queue-length.",
    )
