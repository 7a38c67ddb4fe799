"""Query worker: a process that evaluates one query at a time and may die of it.

It reads snapshots and nothing else. Its listening socket is shared with the other workers: the
kernel wakes one of those that serve (`coprod_kg.store.lanes`) for each connection, and a newer
snapshot is taken up between two queries. A query's text is parsed by the engine here and nowhere
else.
"""

import io
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from coprod_kg.errors import CoprodError, QueryMemory
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.limits import limited, peak_memory
from coprod_kg.store.asked_dataset import dataset
from coprod_kg.store.base import NOTHING, Hidden
from coprod_kg.store.engine_errors import failed, syntax
from coprod_kg.store.federation import Calls, calling
from coprod_kg.store.formats import choose
from coprod_kg.store.lanes import Lane
from coprod_kg.store.snapshots import Reader, Snapshots
from coprod_kg.store.supervisor import follow_lifeline
from coprod_kg.store.views import Views
from coprod_kg.store.worker_registry import WorkerRegistry

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["AnswerWriter", "main"]

_REQUEST_SECONDS = 5.0
_GROWTH = 256 << 20
_MOST_READERS = 8
"""No more snapshots and views are open at once."""
_WHOLE = 1 << 20
"""Up to this many bytes an answer is sent whole, with its length."""
_CHUNK = 1 << 16
_AGAIN_SECONDS: Final = 0.1
"""How often the watcher looks; a query that it sees twice is long."""
_LONG: Final = 2
_PRIORITY_OF_LONG: Final = 10
"""As ``nice`` counts: about a ninth of the processor time that a short query is given beside it."""
_HANGUP: Final = getattr(select, "POLLRDHUP", select.POLLHUP)


class Watcher:
    """Watches one connection at a time, inside ``with watcher.over(connection)``, from a thread.

    Where the client closes the connection, the process ends; where the query takes more than a
    moment, the worker leaves its lane to another. The thread looks some times a second while there
    is a query, and sleeps in between: taking up a query costs nothing. A query that takes long goes
    on at a low priority, so that on a busy machine it does not keep short ones waiting.

    Args:
        on_long: called once for each query that takes long, while it is under way.
    """

    def __init__(self, on_long: Callable[[], None]) -> None:
        self._on_long = on_long
        self._looks = 0
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._watched: socket.socket | None = None
        self._thread = self._lowered = 0
        threading.Thread(target=self._watch, name="watcher", daemon=True).start()

    @property
    def has_lowered(self) -> bool:
        """Whether the calling thread was given a low priority, which it cannot lose."""
        return self._lowered == threading.get_native_id()

    def over(self, connection: socket.socket) -> "Watcher":
        """Watch a connection as long as the context lasts."""
        with self._lock:
            self._watched, self._looks = connection, 0
            self._thread = threading.get_native_id()
        self._busy.set()
        return self

    def __enter__(self) -> None:
        """Does nothing: `over` has begun the watch."""

    def __exit__(self, *_: object) -> None:
        """End the watch: from now on the end of the connection does not end the process."""
        with self._lock:
            self._watched = None

    def _watch(self) -> NoReturn:
        while True:
            self._busy.wait()
            time.sleep(_AGAIN_SECONDS)
            with self._lock:  # held, so that the query cannot end in between
                if self._watched is None:
                    self._busy.clear()
                    continue
                if _has_disconnected(self._watched):
                    os._exit(0)
                self._looks += 1
                if self._looks == 1:
                    self._lowered = self._thread
                    _lower_priority(self._thread)
                if self._looks == _LONG:
                    self._on_long()


def _lower_priority(thread: int) -> None:
    """Give way to the threads of short queries, of this process and others (Linux only)."""
    if sys.platform == "linux":  # elsewhere a priority is a whole process's
        os.setpriority(os.PRIO_PROCESS, thread, _PRIORITY_OF_LONG)


def _has_disconnected(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, _HANGUP)
    return bool(poll.poll(0))


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
        connection.settimeout(None)
        writer = AnswerWriter(connection)
        try:
            # opening one, and listening for calls, starts threads: no cap yet
            reader = self.reader(request["version"], _hidden(request))
            with (
                calling(request["text"], request["calls"], self.service_seconds) as calls,
                limited(request["seconds"], self.memory_mb),
            ):
                with self.watcher.over(connection):
                    self._answer(reader, request, calls, writer)
                writer.end()  # who has all of the answer may leave
        except CoprodError as error:
            writer.fail(error)
        except MemoryError:
            writer.fail(QueryMemory("the query needs more memory than it may use"))

    def _answer(
        self, reader: Reader, request: Mapping[str, Any], calls: Calls, writer: AnswerWriter
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


def main(listening: socket.socket, path: Path, lifeline: int) -> None:
    """Answer queries until the parent leaves or this process has grown too large.

    Args:
        listening: where queries arrive.
        path: the file of this worker's lane.
        lifeline: the descriptor that can be read at its end when the parent has left.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # as deadlines want it, and only here allowed
    follow_lifeline(lifeline)
    lane = Lane(path)
    base_iri = os.environ["COPROD_BASE_IRI"]
    worker = Worker(
        Views(Snapshots(Path(os.environ["COPROD_DATA"]) / "snapshots"), base_iri),
        base_iri,
        int(os.environ["COPROD_QUERY_MEMORY_MB"]),
        float(os.environ["COPROD_SERVICE_SECONDS"]),
        Watcher(lane.leave),
        WorkerRegistry(Path(os.environ["COPROD_RUN"])),
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
        with suppress(CoprodError, OSError):  # the query that asks for it tells what is wrong
            worker.reader(None, NOTHING)  # it takes longer than a short query
    while lane.serving and not worker.watcher.has_lowered and peak_memory() < most:
        connection, _ = listening.accept()  # blocking: of all that wait here one is woken
        with connection, suppress(OSError, EOFError):  # the client closed the connection
            worker.serve(connection)
        worker.registry.release()
