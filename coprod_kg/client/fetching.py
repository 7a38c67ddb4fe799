"""HTTP requests of a check: any answer is an answer, none is status 0."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message

from coprod_kg.publishing.fetched import Fetched

__all__ = ["fetcher"]

_MOST_BYTES = 512 << 20


def fetcher(seconds: float) -> Callable[[str, str, str], Fetched]:
    """A function that sends a request: method, address, what is accepted.

    Args:
        seconds: how long an answer may take to begin.
    """

    def fetch(method: str, address: str, accept: str) -> Fetched:
        if not address.startswith(("http://", "https://")):
            return Fetched(0, "", {}, b"")
        sent = urllib.request.Request(address, method=method, headers={"Accept": accept})  # noqa: S310 - http or https, as seen above
        try:
            with urllib.request.urlopen(sent, timeout=seconds) as answer:  # noqa: S310 - as above
                return _fetched(answer.status, answer.headers, answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return _fetched(error.code, error.headers, error.read(_MOST_BYTES))
        except (OSError, ValueError, http.client.HTTPException):
            return Fetched(0, "", {}, b"")

    return fetch


def _fetched(status: int, headers: Message, content: bytes) -> Fetched:
    named = {name.lower(): value for name, value in headers.items()}
    return Fetched(status, headers.get_content_type(), named, content)
