"""Opens the store of a data directory for a client, with the model published in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from coprod_kg.publishing.graphs import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Store

__all__ = ["opened"]


@contextmanager
def opened(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """The store of the data directory: the running service's, or one opened for this command.

    Args:
        settings: where the data lies.
        create: whether to make a store where there is none, for a command that writes.

    Raises:
        StoreInUse: a process holds the directory that serves no store.
        StoreUnavailable: there is no store, or it cannot be opened.
    """
    with local.connect(settings, create=create) as store:
        publish_model(store, settings.base_iri)
        yield store
