"""The published example cases, submitted like anybody's data."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from coprod_kg.ingest.check import Progress, checked_files
from coprod_kg.ingest.submit import Outcome, Sender, submit_checked
from coprod_kg.model.files import files
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store

__all__ = ["submit_examples"]

_FROM = ("cases", "recoded")
_PROJECT = Sender(
    "coprod-kg",
    "coprod-kg project (secondary coding from public sources, not confirmed by the organisations)",
)


def submit_examples(
    store: Store,
    settings: Settings,
    during_checks: Callable[[], object] = lambda: None,
    before_commit: Callable[[], object] = lambda: None,
) -> list[Outcome]:
    """Submit every file of the example data in one commit.

    There is one per organisation, and one for each other coder of the same cases. All are
    secondary coding from public sources, and say so in every claim.

    Args:
        store: where they go.
        settings: the limits, the base IRI and the data directory.
        during_checks: done while the files are checked.
        before_commit: done when they are.
    """
    paths = sorted(path for path in files("examples").glob("*/*.ttl") if path.parent.name in _FROM)
    started = datetime.now(UTC)
    with ThreadPoolExecutor(1, "check") as thread:
        future = thread.submit(checked_files, paths, settings, Progress())
        during_checks()
        checked = future.result()
    before_commit()
    return submit_checked(checked, started, store, settings, _PROJECT)
