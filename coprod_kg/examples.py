"""The published example cases, submitted like anybody's data."""

from coprod_kg.ingest.submit import Outcome, Sender, submit
from coprod_kg.model.files import files
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store

__all__ = ["submit_examples"]

_FROM = ("cases", "recoded")
_PROJECT = Sender(
    "coprod-kg",
    "coprod-kg project (secondary coding from public sources, not confirmed by the organisations)",
)


def submit_examples(store: Store, settings: Settings) -> list[Outcome]:
    """Submit every file of the example data in one commit.

    There is one per organisation, and one for each other coder of the same cases. All are
    secondary coding from public sources, and say so in every claim.
    """
    paths = sorted(path for path in files("examples").glob("*/*.ttl") if path.parent.name in _FROM)
    return submit(paths, store, settings, _PROJECT)
