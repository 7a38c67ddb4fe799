"""Query worker: a process that evaluates one query at a time and may die of it.

It reads snapshots and nothing else. Its listening socket is shared with the other workers: the
kernel wakes one of those that serve (`coprod_kg.store.lanes`) for each connection, and a newer
snapshot is taken up between two queries. A query's text is parsed by the engine here and nowhere
else.
"""

import io
import os
import signal
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coprod_kg.errors import CoprodError, QueryMemory
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.limits import limited, peak_memory
from coprod_kg.store.asked_dataset import dataset
from coprod_kg.store.base import NOTHING, Hidden
from coprod_kg.store.engine_errors import failed, syntax
from coprod_kg.store.federation import Calls, calling
from coprod_kg.store.formats import choose
from coprod_kg.store.in_memory import InMemory, note_long_query
from coprod_kg.store.lanes import Lane
from coprod_kg.store.snapshots import Reader, Snapshots
from coprod_kg.store.supervisor import follow_lifeline
from coprod_kg.store.views import Views
from coprod_kg.store.watcher import Watcher
from coprod_kg.store.worker_registry import WorkerRegistry

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["AnswerWriter", "main"]

_REQUEST_SECONDS = 5.0
_LONG_IN_MEMORY: Final = 0.04
"""Seconds that a query takes in memory of which it is worth to keep the copy: a fifth of what is
long."""
_GROWTH = 256 << 20
_MOST_READERS = 8
"""No more snapshots and views are open at once."""
_WHOLE = 1 << 20
"""Up to this many bytes an answer is sent whole, with its length."""
_CHUNK = 1 << 16


class AnswerWriter(io.RawIOBase):
    """A file that the engine writes an answer to, and that sends it in frames.

    As long as nothing has been sent, an error replaces the answer. After that an error can only
    break the connection off, so that the other side knows that the answer is not whole.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._buffer = bytearray()
        self._head: dict[str, object] = {}
        self._started = False

    def writable(self) -> bool:
        """True, as the engine asks of a file that it writes to."""
        return True

    def begin(self, media_type: str, version: int) -> None:
        """Set the head: media type and version of the answer that follows."""
        self._head = {"media_type": media_type, "version": version}

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take some bytes of the answer."""
        self._buffer += data
        if len(self._buffer) >= (_CHUNK if self._started else _WHOLE):
            self._send(length=None)
        return len(memoryview(data))

    def end(self) -> None:
        """Send what is left; the answer is whole."""
        self._send(None if self._started else len(self._buffer), wire.framed(wire.END))

    def fail(self, error: CoprodError) -> None:
        """Send an error in place of the answer.

        Raises:
            ConnectionAbortedError: part of the answer was sent already.
        """
        if self._started:
            raise ConnectionAbortedError(str(error))
        frame = wire.framed_message(wire.error_message(error))
        self._connection.sendall(frame + wire.framed(wire.END))

    def _send(self, length: int | None, after: bytes = b"") -> None:
        head = b"" if self._started else wire.framed_message({**self._head, "length": length})
        self._started = True
        body = wire.framed(self._buffer) if self._buffer else b""
        self._buffer.clear()
        self._connection.sendall(b"".join((head, body, after)))


@dataclass(slots=True)
class Worker:
    """The state that a worker process keeps between two queries."""

    views: Views
    base_iri: str
    memory_mb: int
    service_seconds: float
    watcher: Watcher
    registry: WorkerRegistry
    run: Path
    copy: InMemory | None = None
    may_read_memory: bool = False
    readers: dict[tuple[int, Hidden], Reader] = field(default_factory=dict)

    def rest(self) -> None:
        """Hold no snapshot while other processes serve."""
        while self.readers:
            self.readers.popitem()[1].close()

    def serve(self, connection: socket.socket) -> None:
        """Answer the query on a connection; a limit that it meets ends the process."""
        connection.settimeout(_REQUEST_SECONDS)
        request = wire.Stream(connection).message()
        self.registry.take(request["query_id"])
        self.may_read_memory = request["in_memory"]
        connection.settimeout(None)
        writer, began = AnswerWriter(connection), time.monotonic()
        try:
            # opening one, and listening for calls, starts threads: no cap yet
            reader = self._source(request)
            with (
                calling(request["text"], request["calls"], self.service_seconds) as calls,
                limited(request["seconds"], self.memory_mb),
            ):
                with self.watcher.over(connection):
                    self._answer(reader, request, calls, writer)
                writer.end()  # who has all of the answer may leave
            if reader is self.copy and time.monotonic() - began >= _LONG_IN_MEMORY:
                note_long_query(self.run)
        except CoprodError as error:
            writer.fail(error)
        except MemoryError:
            writer.fail(QueryMemory("the query needs more memory than it may use"))

    def _source(self, request: Mapping[str, Any]) -> Reader | InMemory:
        """What the query reads: the copy in memory where it may, else the files of a version."""
        if self.copy and request["in_memory"] and request["version"] == self.copy.version:
            return self.copy
        return self.reader(request["version"], _hidden(request))

    def note_long_query(self) -> None:
        """Note that the query under way takes long, where it could be read from memory."""
        if self.may_read_memory:
            note_long_query(self.run)

    def _answer(
        self,
        reader: Reader | InMemory,
        request: Mapping[str, Any],
        calls: Calls,
        writer: AnswerWriter,
    ) -> None:
        try:
            store, graphs = dataset(request, reader.store, self.base_iri, self.memory_mb)
            results = store.query(calls.text, base_iri=self.base_iri, **graphs)
            media_type, serialise = choose(results, request["media_types"])
            writer.begin(media_type, reader.version)
            serialise(writer)
        except SyntaxError as error:
            raise syntax(str(error), "SPARQL 1.1") from None
        except (OSError, ValueError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the connection's error: the client closed it
            raise calls.failure or failed(error, "query") from None

    def reader(self, wanted: int | None, hidden: Hidden) -> Reader:
        """The version asked for, without the data that is hidden from the client.

        Opening one closes the readers of older versions, so that at most one older version stays
        open beside the current one.
        """
        current = self.views.snapshots.current()
        version = current if wanted is None else wanted
        key = (version, hidden)
        if key in self.readers and self.views.snapshots.is_outdone(self.readers[key]):
            self.readers.pop(key).close()
        if key not in self.readers:
            for stale in [opened for opened in self.readers if opened[0] != current]:
                self.readers.pop(stale).close()
            if len(self.readers) >= _MOST_READERS:
                self.rest()
            self.readers[key] = self.views.open(version, hidden)
        return self.readers[key]


def _hidden(request: Mapping[str, Any]) -> Hidden:
    graphs, record, rules = request["hidden"]
    return Hidden(tuple(graphs), record, tuple(rules))


def main(listening: socket.socket, path: Path, lifeline: int, copy: InMemory | None = None) -> None:
    """Answer queries until the parent leaves or this process has grown too large.

    Args:
        listening: where queries arrive.
        path: the file of this worker's lane.
        lifeline: the descriptor that can be read at its end when the parent has left.
        copy: a version in memory, for those that may read it; other queries read the files.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # as deadlines want it, and only here allowed
    follow_lifeline(lifeline)
    lane = Lane(path)
    base_iri, run = os.environ["COPROD_BASE_IRI"], Path(os.environ["COPROD_RUN"])

    def on_long() -> None:
        lane.leave()
        worker.note_long_query()

    worker = Worker(
        Views(Snapshots(Path(os.environ["COPROD_DATA"]) / "snapshots"), base_iri),
        base_iri,
        int(os.environ["COPROD_QUERY_MEMORY_MB"]),
        float(os.environ["COPROD_SERVICE_SECONDS"]),
        Watcher(on_long),
        WorkerRegistry(run),
        run,
        copy,
    )
    most = peak_memory() + _GROWTH
    while peak_memory() < most:
        # A thread cannot have its old priority back; a new one has that of its parent.
        with ThreadPoolExecutor(1, "queries") as thread:
            thread.submit(_answer_in_turn, worker, listening, lane, most).result()


def _answer_in_turn(worker: Worker, listening: socket.socket, lane: Lane, most: int) -> None:
    """Answer queries until one has taken long, or this process has grown too large."""
    if not lane.serving:
        worker.rest()
        lane.serve()
        if worker.copy is None:
            with suppress(CoprodError, OSError):  # the query that asks for it tells what is wrong
                worker.reader(None, NOTHING)  # it takes longer than a short query
    while lane.serving and not worker.watcher.has_lowered and peak_memory() < most:
        connection, _ = listening.accept()  # blocking: of all that wait here one is woken
        with connection, suppress(OSError, EOFError):  # the client closed the connection
            worker.serve(connection)
        worker.registry.release()
