"""Addresses: the public root of this service, and the path of a request as it was sent."""

import re
from typing import Final

from flask import current_app, request

__all__ = ["raw_path", "readings", "root"]

_BEYOND_ASCII: Final = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])+")
_ESCAPE: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def root() -> str:
    """The root with a slash at its end: the setting ``public-url``, else as requested."""
    settings = current_app.config["SETTINGS"]
    return str(settings.root) if settings.public_url else request.url_root


def raw_path() -> str:
    """The path of the request with its percent-escapes, which WSGI decodes.

    ``%20`` may be part of an IRI, so a name is not to be had from what is decoded.
    """
    sent = str(request.environ["REQUEST_URI"])
    path = sent.partition("?")[0]
    return path if path.startswith("/") else "/" + path.partition("://")[2].partition("/")[2]


def readings(text: str) -> tuple[str, ...]:
    """The IRIs that a part of an address may stand for, the likeliest first.

    Clients escape what is beyond ASCII on the way (RFC 3987, 3.1) and may escape more.

    >>> readings("f%C3%A6lles%20projekt")
    ('fælles%20projekt', 'f%C3%A6lles%20projekt', 'fælles projekt')
    """
    found = (_decoded(_BEYOND_ASCII, text), text, _decoded(_ESCAPE, text))
    return tuple(dict.fromkeys(found))


def _decoded(escapes: re.Pattern[str], text: str) -> str:
    def decode(found: re.Match[str]) -> str:
        try:
            return bytes.fromhex(found[0].replace("%", "")).decode("utf-8")
        except UnicodeDecodeError:
            return found[0]

    return escapes.sub(decode, text)
