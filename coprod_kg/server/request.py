"""An ASGI request: its head checked, its body read whole and unpacked."""

import asyncio
import io
import re
import tempfile
import zlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import IO, Any, Final, TypeAlias

from coprod_kg.errors import (
    LimitReached,
    RequestError,
    StoreFull,
    TooLarge,
    Unreadable,
    UnsupportedMedia,
)
from coprod_kg.settings import Settings

__all__ = ["BrokenOff", "Head", "Receive", "SlowSender", "client_of", "read_body", "read_head"]

_IN_MEMORY: Final = 1 << 16
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:[0-9]{0,5})?")
_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,17}")
_LONGEST: Final = 60_000
"""Bytes of a target that are read; beyond 65,534 the HTTP server answers 414 without a word."""
_PLAIN: Final = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})
_PACKED: Final = ("gzip", "x-gzip")

Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]


class BrokenOff(RequestError):
    """The body ended before it was whole, or its client left."""

    title = "The body broke off"


class SlowSender(LimitReached):
    """The body did not come in time."""

    status = 408
    title = "The body took too long"


class TargetTooLong(RequestError):
    """The address has more bytes than are read."""

    status = 414
    title = "The address is too long"


class NotImplementedHere(RequestError):
    """A method or a transfer coding that is not known."""

    status = 501
    title = "This is not implemented"


@dataclass(slots=True)
class Head:
    """The head of a request.

    Attributes:
        scope: as ASGI has it.
        headers: by their names in small letters; of several of one name the values with commas.
        method: of the request.
        path: the address without its query string, percent-decoded.
        length: of the body in bytes, or None where it comes in chunks.
    """

    scope: dict[str, Any]
    headers: dict[str, str]
    method: str
    path: str
    length: int | None

    def environ(self) -> dict[str, Any]:
        """The WSGI environment (PEP 3333)."""
        scope = self.scope
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path.encode().decode("latin-1"),
            # not decoded: an escape may be part of a name
            "REQUEST_URI": scope["raw_path"].decode("latin-1"),
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "SERVER_NAME": scope["server"][0],
            "SERVER_PORT": str(scope["server"][1]),
            "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
            "wsgi.url_scheme": scope["scheme"],
        }
        for name, value in self.headers.items():
            if name in ("range", "if-range"):
                continue  # the range is cut from the application's whole answer (`asgi`)
            variable = name.upper().replace("-", "_")
            environ[variable if variable in _PLAIN else f"HTTP_{variable}"] = value
        return environ


def read_head(scope: dict[str, Any]) -> Head:
    """The head of a request.

    Raises:
        RequestError: it is not as RFC 9110 and RFC 9112 want it.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:  # in WSGI it would have the same variable as the name with a hyphen
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    method: str = scope["method"]
    if not method.isupper():
        raise NotImplementedHere(
            f"there is no method {method[:20]!r}", fix="Methods are written in capitals: GET."
        )
    if len(scope["raw_path"]) + len(scope["query_string"]) > _LONGEST:
        raise TargetTooLong(
            f"the address has more than {_LONGEST} bytes",
            fix="Send a long query by POST, as a body of type application/sparql-query.",
        )
    if headers.get("host") or scope["http_version"].startswith("1.1"):
        _check_host(headers.get("host", ""))
    else:
        headers.pop("host", None)  # HTTP/1.0 needs none; granian puts an empty one there
    if not headers.get("authorization", "").isascii():
        raise RequestError(
            "there are bytes beyond ASCII in it",
            where="header Authorization",
            fix="Send the token as it was given out.",
        )
    return Head(scope, headers, method, scope["path"], _length(headers))


def _check_host(host: str) -> None:
    if not _HOST.fullmatch(host):
        raise RequestError(
            f"{host[:100]!r} is not the name of one host" if host else "no host is named",
            where="header Host",
            fix="Send one header Host with the name in the address.",
        )


def _length(headers: dict[str, str]) -> int | None:
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if coding.strip().lower() != "chunked":
            raise NotImplementedHere(
                f"the transfer coding {coding[:40]!r} is not known",
                where="header Transfer-Encoding",
                fix="Send the body in plain chunks, or with its length.",
            )
        return None
    text = headers.get("content-length", "0")
    if not _LENGTH.fullmatch(text):
        raise RequestError(
            f"{text[:40]!r} is not the length of a body",
            where="header Content-Length",
            fix="Write the number of bytes in decimal digits, without zeros before them.",
        )
    return int(text)


def client_of(client: str, head: Head, proxies: tuple[str, ...]) -> str:
    """The address of the client.

    Each proxy adds the address of its client at the end of ``X-Forwarded-For``. So the header is
    read from the end, as long as the address read before is that of a trusted proxy.

    Args:
        client: the address that the connection comes from.
        head: the head of the request.
        proxies: addresses of proxies that are trusted.
    """
    if client not in proxies:
        return client
    forwarded = [part.strip() for part in head.headers.get("x-forwarded-for", "").split(",")]
    while forwarded and client in proxies:
        client = forwarded.pop() or client
    return client[:100]


async def read_body(
    head: Head, receive: Receive, settings: Settings, threads: Executor
) -> IO[bytes]:
    """The whole body, unpacked; its length then stands in the head.

    A body larger than the limit is not read: the application refuses it by its stated length.

    Raises:
        SlowSender: it did not come within the settings' ``body_seconds``.
        BrokenOff: it ended before it was whole.
        UnsupportedMedia: it is packed in a way that is not known.
        TooLarge: it is too large once it is unpacked.
        Unreadable: it cannot be unpacked.
        StoreFull: the disk has no room for it.
    """
    most_bytes = settings.body_mb << 20
    coding = head.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", *_PACKED):
        raise UnsupportedMedia(
            f"a body in the coding {coding[:40]!r} is not read here",
            where="header Content-Encoding",
            fix="Send it packed by gzip, or as it is.",
        )
    # A body beyond the limit is not read at all: the application refuses it by its stated length.
    if head.length is not None and (head.length == 0 or head.length > most_bytes):
        return io.BytesIO()
    file = _spool(settings)
    try:
        async with asyncio.timeout(settings.body_seconds):
            more = True
            while more and file.tell() <= most_bytes:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BrokenOff(
                        "the body ended before it was whole; nothing was changed",
                        fix="Send it again.",
                    )
                file.write(message["body"])
                more = message["more_body"]
    except TimeoutError:
        raise SlowSender(
            f"the body was not whole after {settings.body_seconds:g} seconds",
            fix="Send it faster, or less at once. The limit is the setting body-seconds.",
        ) from None
    except OSError as error:
        raise _no_room(error) from None
    # WSGI knows no chunks, so the application sees a body with a length in every case.
    head.headers.pop("transfer-encoding", None)
    head.headers["content-length"] = str(file.tell())
    file.seek(0)
    head.headers.pop("content-encoding", None)
    if coding == "identity":
        return file
    loop = asyncio.get_running_loop()
    unpacked = await loop.run_in_executor(threads, _unpacked, file, settings)
    head.headers["content-length"] = str(unpacked.seek(0, io.SEEK_END))
    unpacked.seek(0)
    return unpacked


def _spool(settings: Settings) -> IO[bytes]:
    """A file that is in memory while it is small, and has no name on disk when it is not."""
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=settings.scratch)


def _no_room(error: OSError) -> StoreFull:
    return StoreFull(
        f"the body cannot be kept on disk: {error.strerror}; nothing was changed",
        fix="Free some space and send it again.",
    )


def _unpacked(packed: IO[bytes], settings: Settings) -> IO[bytes]:
    """A body unpacked by gzip (RFC 1952: one member or several)."""
    file = _spool(settings)
    member = zlib.decompressobj(wbits=31)
    with packed:
        try:
            # Piece by piece against the limit: a small gzip file may unpack to gigabytes.
            while piece := member.unconsumed_tail or member.unused_data or packed.read(_IN_MEMORY):
                if member.eof:
                    member = zlib.decompressobj(wbits=31)
                file.write(member.decompress(piece, _IN_MEMORY))
                if file.tell() > settings.body_mb << 20:
                    raise TooLarge(
                        f"the body is larger than {settings.body_mb} MiB once it is unpacked, the "
                        "limit here (body-mb)",
                        fix="Send less at once.",
                    )
        except zlib.error:
            raise _not_gzip() from None
        except OSError as error:
            raise _no_room(error) from None
    if not member.eof:
        raise _not_gzip()
    return file


def _not_gzip() -> Unreadable:
    return Unreadable(
        "the body is not what gzip writes, or not the whole of it",
        where="header Content-Encoding",
        fix="Pack it again, or send it as it is.",
    )
