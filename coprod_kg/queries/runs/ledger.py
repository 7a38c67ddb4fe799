"""Ledger of the last runs of saved queries: ``freshness.json`` in the data directory.

It is no part of the data: writing it makes no version. It is replaced atomically, so that a
reader sees one state or the next.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from coprod_kg.errors import StoreError
from coprod_kg.queries.runs.run import Run, after
from coprod_kg.store.directory import alone, put

__all__ = ["RunLedger"]


class RunLedger:
    """The last runs of the saved queries of one data directory."""

    def __init__(self, data: Path) -> None:
        """Read the file when it is asked for; one that is missing is empty."""
        self._path = data / "freshness.json"

    def runs(self) -> Mapping[str, Run]:
        """The last run of every query that was run: name → run."""
        try:
            status = self._path.stat()
        except OSError:
            return {}
        return _read(self._path, (status.st_ino, status.st_mtime_ns, status.st_size))

    def forget(self) -> None:
        """Forget all runs, where the public part of the data has changed without a new version."""
        self._path.unlink(missing_ok=True)

    def note(self, run: Run) -> Run:
        """Record a run after the ones before it.

        Returns:
            The run with what follows from those.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            with alone(self._path):
                runs = dict(self.runs())
                runs[run.query] = recorded = after(runs.get(run.query), run)
                self._write(runs)
        except OSError as error:
            raise StoreError(
                f"the last runs cannot be written down: {error.strerror}",
                where=str(self._path),
                fix="Give this user the right to write there, or make room on the disk.",
            ) from None
        return recorded

    def _write(self, runs: Mapping[str, Run]) -> None:
        text = json.dumps([run.told() for run in runs.values()], ensure_ascii=False, indent=1)
        put(self._path, f"{text}\n".encode())


@lru_cache(maxsize=4)
def _read(path: Path, state: tuple[int, int, int]) -> Mapping[str, Run]:
    """The file in that state; one that cannot be read counts as empty, and is made again."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        runs = [Run(**run) for run in listed]
    except (OSError, ValueError, TypeError):
        return {}
    return MappingProxyType({run.query: run for run in runs})
