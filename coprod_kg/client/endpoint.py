"""CONSTRUCT queries to another service's endpoint, by SPARQLWrapper: any answer is an answer."""

from collections.abc import Callable
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

__all__ = ["constructor"]

_MOST_BYTES: Final = 512 << 20
_STATUS: Final[dict[type[SPARQLWrapperException], int]] = {
    QueryBadFormed: 400,
    Unauthorized: 401,
    EndPointNotFound: 404,
    URITooLong: 414,
    EndPointInternalError: 500,
}


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
            return Fetched(200, media_type, headers, answer.response.read(_MOST_BYTES))
        except SPARQLWrapperException as error:
            return Fetched(_STATUS.get(type(error), 500), "", {}, b"")
        except HTTPError as error:
            with error:
                return Fetched(error.code, "", {}, b"")
        except (OSError, ValueError):
            return Fetched(0, "", {}, b"")

    return construct
