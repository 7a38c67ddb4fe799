"""Retry of a change that met another commit (optimistic concurrency)."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from coprod_kg.errors import StoreChanged, VersionGone

__all__ = ["attempt"]

_Made = TypeVar("_Made")
_ATTEMPTS: Final = 10
_PAUSE_SECONDS: Final = 0.02


def attempt(change: Callable[[], _Made]) -> _Made:
    """Make a change; again where another commit came in between.

    Args:
        change: reads the newest version and commits what it makes of it. It may run several
            times, so it must not read the body of a request, which can be read only once.

    Raises:
        StoreChanged: others were quicker each time; nothing was changed.
    """
    for number in range(1, _ATTEMPTS):
        try:
            return change()
        except (StoreChanged, VersionGone):  # so many commits came between that it is not kept
            # Those who met wait for different times, or they would meet again.
            time.sleep(random.uniform(0, number * _PAUSE_SECONDS))  # noqa: S311 - no secret
    return change()
