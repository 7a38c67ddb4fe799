"""What the application answers, on its way to the client; it never ends half a body as a whole.

granian ends the chunks of a body as if it were complete when whoever makes it fails, over WSGI
and RSGI alike (seen with 2.8). So a body that fails is cut off at the client's socket.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope

from coprod_kg.errors import CoprodError
from coprod_kg.settings import Settings
from coprod_kg.web import connection
from coprod_kg.web.errors import kind_of
from coprod_kg.web.exchange import Exchange
from coprod_kg.web.record import record
from coprod_kg.web.stream import Pipe

__all__ = ["Response", "Sender"]

_FIRST: Final = 1 << 17
"""More bytes than a pipe holds: a body that is shorter needs none."""
_WHOLE: Final = 4 << 20
"""Up to this many bytes a body of known length is handed over whole."""


@dataclass(slots=True)
class Response:
    """One response of the application.

    Attributes:
        scope: the request.
        proto: granian's way back.
        exchange: what is known of both.
        headers: of the response.
        chunks: its body.
    """

    scope: Scope
    proto: HTTPProtocol
    exchange: Exchange
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: Iterable[bytes] = ()

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        """What WSGI calls ``start_response``."""
        self.exchange.status = int(status[:3])
        self.headers = headers
        return _no_write

    @property
    def small(self) -> bool:
        """Whether its body is handed over whole."""
        length = next(
            (int(value) for name, value in self.headers if name == "Content-Length"), None
        )
        return self.scope.method == "HEAD" or (length is not None and length <= _WHOLE)


class Sender:
    """Sends responses: small ones at once, large ones each in a thread of its own.

    Args:
        settings: the limits.
        folder: where the names of pipes live.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder

    def send(self, response: Response) -> None:
        """Begin to send a response; what is larger than a pipe goes on in another thread.

        granian wants the beginning before the request counts as handled.
        """
        exchange, chunks = response.exchange, iter(response.chunks)
        try:
            first = b"".join(chunks) if response.small else _first(chunks)
        except CoprodError as error:
            _cut(response)
            self._end(response, kind_of(error))
            response.proto.response_bytes(exchange.status, response.headers, b"")
            return
        if response.small or len(first) <= _FIRST:
            exchange.sent = len(first)
            self._end(response, "")
            response.proto.response_bytes(exchange.status, response.headers, first)
            return
        settings = self._settings
        pipe = Pipe(self._folder, settings.reader_seconds, settings.reader_rate)
        response.proto.response_file(exchange.status, response.headers, str(pipe.path))
        everything = itertools.chain((first,), chunks)
        threading.Thread(
            target=self._pour, args=(response, pipe, everything), name="download", daemon=True
        ).start()

    def _pour(self, response: Response, pipe: Pipe, chunks: Iterator[bytes]) -> None:
        """Send more than a pipe holds; the end of the pipe is the end of a whole body."""
        exchange, outcome = response.exchange, ""
        try:
            for chunk in chunks:
                pipe.write(chunk)
                exchange.sent += len(chunk)
        except CoprodError as error:
            outcome = kind_of(error)
        except OSError:
            outcome = "left"
        finally:
            if outcome:
                _cut(response)  # before the pipe ends, which ends the body as if it were whole
            pipe.close()
            self._end(response, outcome)

    def _end(self, response: Response, outcome: str) -> None:
        """No more is wanted of the body."""
        close: Any = getattr(response.chunks, "close", None)
        if close is not None:
            close()
        if response.exchange.asker.left:
            response.exchange.outcome = "left"
        elif outcome:
            response.exchange.outcome = outcome
        record(response.exchange, self._settings)


def _cut(response: Response) -> None:
    client = connection.find(response.scope.client)
    if client is not None:
        with client:
            connection.cut(client)


def _first(chunks: Iterator[bytes]) -> bytes:
    """The beginning of a body, or all of a short one."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > _FIRST:
            break
    return bytes(found)


def _no_write(data: bytes) -> None:
    """WSGI's old way to send a body, which Flask does not use."""
    raise NotImplementedError
