"""What goes wrong between an engine and its client, as errors of ours."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from coprod_kg.errors import QueryTimeout, StoreError, StoreUnavailable

__all__ = ["failures", "refused"]

_TOLD: Final = 300
"""Bytes of an engine's complaint that are passed on."""


@contextmanager
def failures(url: str, end: float, seconds: float) -> Iterator[None]:
    """Turn what goes wrong on the wire into errors of ours.

    Args:
        url: of the engine, as it may be shown.
        end: when the answer has to be there, by the monotonic clock.
        seconds: how long it might take.

    Raises:
        QueryTimeout: the answer was not there in time.
        StoreUnavailable: nobody answers, or the answer broke off.
    """
    try:
        yield
    except TimeoutError:
        if time.monotonic() < end:  # it did not even take the connection up
            raise _silent(url, "it takes no connection") from None
        raise QueryTimeout(
            f"the engine at {url} did not answer within {seconds:g} seconds"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _silent(url, str(error) or type(error).__name__) from None


def refused(url: str, status: int, body: bytes) -> StoreError:
    """The error for a request that an engine did not carry out."""
    told = " ".join(body[:_TOLD].decode(errors="replace").split())
    if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return StoreError(
            f"the engine at {url} does not let this service in ({status})",
            fix="Write user and password into the address in the setting store, or set "
            "store-token.",
        )
    return StoreError(f"the engine at {url} refused a request ({status}): {told}")


def _silent(url: str, why: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the engine at {url} does not answer: {why}",
        fix="Is it running, and does the setting store name its dataset?",
    )
