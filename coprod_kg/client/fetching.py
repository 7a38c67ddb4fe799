"""Requests to others' services, by HTTP or as CONSTRUCT: any answer is an answer, none is 0."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Final
from urllib.error import HTTPError

from SPARQLWrapper import POST, TURTLE, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import (
    EndPointInternalError,
    EndPointNotFound,
    QueryBadFormed,
    SPARQLWrapperException,
    Unauthorized,
    URITooLong,
)

from coprod_kg.publishing.fetched import Fetched
from coprod_kg.store.remote.client import check_whole

__all__ = [
    "constructor",
    "fetcher",
]


_MOST_BYTES = 512 << 20

_STATUS: Final[dict[type[SPARQLWrapperException], int]] = {
    QueryBadFormed: 400,
    Unauthorized: 401,
    EndPointNotFound: 404,
    URITooLong: 414,
    EndPointInternalError: 500,
}


def fetcher(seconds: float) -> Callable[[str, str, str], Fetched]:
    """A function that sends a request: method, address, what is accepted.

    Args:
        seconds: how long an answer may take to begin.
    """

    def fetch(method: str, address: str, accept: str) -> Fetched:
        if not address.startswith(("http://", "https://")):
            return Fetched(0, "", {}, b"")
        request = urllib.request.Request(address, method=method, headers={"Accept": accept})  # noqa: S310 - http or https, as seen above
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - as above
                return _fetched(answer.status, answer.headers, _whole(answer))
        except urllib.error.HTTPError as error:
            with error:
                return _fetched(error.code, error.headers, error.read(_MOST_BYTES))
        except (OSError, ValueError, http.client.HTTPException):
            return Fetched(0, "", {}, b"")

    return fetch


def _whole(response: http.client.HTTPResponse) -> bytes:
    """The body of a response.

    Raises:
        http.client.IncompleteRead: it broke off, or has more bytes than are read here.
    """
    content = response.read(_MOST_BYTES)
    check_whole(response)
    if len(content) == _MOST_BYTES:
        raise http.client.IncompleteRead(b"")
    return content


def _fetched(status: int, headers: Message, content: bytes) -> Fetched:
    headers_by_name = {name.lower(): value for name, value in headers.items()}
    return Fetched(status, headers.get_content_type(), headers_by_name, content)


def constructor(seconds: float) -> Callable[[str, str], Fetched]:
    """A function that asks an endpoint a CONSTRUCT query: its address, the query.

    Args:
        seconds: how long an answer may take to begin.
    """

    def construct(address: str, query: str) -> Fetched:
        if not address.startswith(("http://", "https://")):
            return Fetched(0, "", {}, b"")
        client = SPARQLWrapper(address)
        client.setQuery(query)
        client.setMethod(POST)  # a GET would have the query in its address
        client.setReturnFormat(TURTLE)
        client.setTimeout(max(1, round(seconds)))
        try:
            answer = client.query()
            headers = {name.lower(): value for name, value in answer.info().items()}
            media_type = headers.get("content-type", "").partition(";")[0].strip()
            return Fetched(200, media_type, headers, _whole(answer.response))
        except SPARQLWrapperException as error:
            return Fetched(_STATUS.get(type(error), 500), "", {}, b"")
        except HTTPError as error:
            with error:
                return Fetched(error.code, "", {}, b"")
        except (OSError, ValueError, http.client.HTTPException):
            return Fetched(0, "", {}, b"")

    return construct
