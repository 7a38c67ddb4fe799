"""What is seen to before the store of a data directory is opened that has, or had, an engine."""

import shutil
from collections.abc import Iterable
from contextlib import suppress

from coprod_kg.errors import StoreUnavailable
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = ["check_alone", "undo"]


def check_alone(directory: DataDirectory) -> None:
    """See that a directory which is opened without an engine was never paired with one.

    Its versions would go another way than those of the engine and of the other machines.

    Raises:
        StoreUnavailable: it was.
    """
    if directory.paired.exists():
        url = directory.paired.read_text(encoding="utf-8").strip()
        raise StoreUnavailable(
            f"{directory.root} is paired with the engine at {url}, and no engine is set",
            fix=f"Set store to that address; or remove {directory.paired}, to go on without the "
            "engine and never with it again.",
        )


def undo(directory: DataDirectory) -> None:
    """Put the store back to its newest snapshot where a commit or following was under way.

    The commit was not acknowledged. If the engine has it, it comes back from there.
    """
    if not directory.journal.exists():
        return
    snapshots = Snapshots(directory.snapshots)
    shutil.rmtree(directory.store, ignore_errors=True)
    with suppress(StoreUnavailable):  # nothing was published yet: it begins empty
        newest = snapshots.current()
        _forget(directory, newest)
        reader = snapshots.open(newest)
        try:
            reader.store.backup(str(directory.store))
        finally:
            reader.close()
    directory.journal.unlink()


def _forget(directory: DataDirectory, newest: int) -> None:
    """Remove the lists of changes of versions that were never published."""
    later: Iterable[int] = (newest + 1, newest + 2)
    for version in later:
        (directory.changes / f"{version}.json.gz").unlink(missing_ok=True)
