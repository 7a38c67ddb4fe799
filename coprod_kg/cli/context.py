"""What every command shares: the settings and the way to a store; it does no command's work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Store

__all__ = ["opened", "pass_settings"]

pass_settings: Callable[..., Any] = click.make_pass_decorator(Settings)


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store of the data directory: the running service's, or one opened for this command.

    Raises:
        StoreUnavailable: the data directory cannot be opened.
    """
    with local.connect(settings) as store:
        yield store
