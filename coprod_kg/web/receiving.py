"""The body of a request as it comes in, under its limits; it never takes a part for the whole."""

import asyncio
import io
import tempfile
from typing import IO, Final

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed, RSGIProtocolError
from granian.rsgi import Scope

from coprod_kg.errors import LimitReached
from coprod_kg.settings import Settings

__all__ = ["ClientLeft", "SlowSender", "body"]

_IN_MEMORY: Final = 1 << 16
"""Up to this many bytes a body is taken in at once; a larger one comes piece by piece."""


class ClientLeft(Exception):
    """The client left before its request was whole."""


class SlowSender(LimitReached):
    """The body did not come in time."""

    status = 408
    title = "The body took too long"


async def body(scope: Scope, proto: HTTPProtocol, settings: Settings) -> IO[bytes]:
    """The whole body.

    One that is larger than the limit is left where it is: the application refuses it by what it
    announces, or by the one byte too many that is taken of it.

    Raises:
        SlowSender: it did not come within the settings' ``body_seconds``.
        ClientLeft: the client left in the middle of it.
    """
    headers = scope.headers
    length = _number(headers.get("content-length"))
    most = settings.body_mb << 20
    if "transfer-encoding" not in headers and not length:
        return io.BytesIO()
    if length is not None and length > most:
        return io.BytesIO()
    try:
        async with asyncio.timeout(settings.body_seconds):
            if length is not None and length <= _IN_MEMORY:
                return io.BytesIO(await proto())
            return await _pieces(proto, length, most)
    except (RSGIProtocolClosed, RSGIProtocolError):
        raise ClientLeft from None
    except TimeoutError:
        raise SlowSender(
            f"the body was not whole after {settings.body_seconds:g} seconds",
            fix="Send it faster, or less at once. The limit is the setting body-seconds.",
        ) from None


async def _pieces(proto: HTTPProtocol, length: int | None, most: int) -> IO[bytes]:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - given to the caller
    async for piece in proto:
        file.write(piece)
        if file.tell() > most:
            break
    if length is not None and file.tell() < length:
        file.close()
        raise ClientLeft
    file.seek(0)
    return file


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
