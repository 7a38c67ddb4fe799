"""Ledger of the last runs of saved queries: ``freshness.json`` in the data directory.

It is no part of the data: writing it makes no version. It is replaced atomically, so that a
reader sees one state or the next. A query that was stopped by a limit is not taken for one without
rows.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from coprod_kg.errors import StoreError
from coprod_kg.queries.citation import query_hash
from coprod_kg.queries.labels import said
from coprod_kg.queries.library import SavedQuery
from coprod_kg.store.base import Store
from coprod_kg.store.directory import locked, write_durably

__all__ = ["Run", "RunLedger", "after"]


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of a saved query with its default parameters.

    Attributes:
        query: its name.
        query_sha256: the hash of its text: another text is another question.
        version: the version of the data that was asked.
        time: when, in ISO 8601.
        seconds: how long the answer took.
        rows: how many rows or statements it had; None for a truth value, and where it failed.
        problem: why there is no answer, or None.
        answered: the last version for which there was an answer: this one, or an earlier one
            where this run failed.
        filled: the last version known to have rows, or None.
        empty_since: the first version of those that were asked since and had none, or None.
        passed_over: whether some version since then was not asked, so that it may have had rows.
    """

    query: str
    query_sha256: str
    version: int
    time: str
    seconds: float
    rows: int | None
    problem: str | None = None
    answered: int | None = None
    filled: int | None = None
    empty_since: int | None = None
    passed_over: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it was answered, and by no row."""
        return self.problem is None and self.rows == 0

    @property
    def outcome(self) -> str:
        """The outcome, in a few words."""
        told = self.outcome_in("")
        return told if self.problem is None else f"{told}: {self.problem}"

    def outcome_in(self, language: str) -> str:
        """The outcome in a language, without the problem, which is told in English only."""
        if self.problem is not None:
            return said("not answered", language)
        if self.rows is None:
            return said("answered", language)
        if self.rows == 0 and self.empty_since is not None:
            return self._emptiness(self.empty_since, language)
        one, several = said("1 row", language), said("{rows} rows", language)
        return one if self.rows == 1 else several.format(rows=self.rows)

    def _emptiness(self, since: int, language: str) -> str:
        """Since when it has no rows, as exactly as the versions that were asked can say it."""
        if self.passed_over:
            told = said("empty whenever it was run since version {version}", language)
        elif since == 0 or self.filled == since - 1:
            told = said("empty since version {version}", language)
        else:
            told = said("empty since version {version} at the latest", language)
        return told.format(version=since)

    @property
    def moment(self) -> datetime:
        """When it was run."""
        return datetime.fromisoformat(self.time)

    def told(self) -> dict[str, Any]:
        """The run, ready for JSON."""
        return asdict(self)

    def described(self) -> dict[str, Any]:
        """The run in a list of the saved queries, ready for JSON."""
        shown = ("version", "time", "seconds", "rows", "problem")
        entry = {name: getattr(self, name) for name in shown}
        return entry | {
            "empty_since": self.empty_since if self.is_empty else None,
            "outcome": self.outcome,
        }


def after(before: Run | None, now: Run) -> Run:
    """A run that has just been made, with what follows from the run before it.

    Args:
        before: the last run of the same query, or None.
        now: the run, which says nothing of earlier versions yet.
    """
    if before is None or before.query_sha256 != now.query_sha256 or before.version > now.version:
        before = None  # another question, or another history of the data
    facts = now.told()
    if now.problem is not None:  # no news of the rows: what was known of them stays
        earlier = before.told() if before else {}
        kept = ("answered", "filled", "empty_since", "passed_over")
        return Run(**facts | {name: earlier[name] for name in kept if name in earlier})
    facts["answered"] = now.version
    if now.rows != 0:
        facts["filled"] = now.version
    elif before is None or before.empty_since is None:
        facts |= {"filled": before.filled if before else None, "empty_since": now.version}
    else:
        gap = before.answered is None or now.version > before.answered + 1
        facts |= {"filled": before.filled, "empty_since": before.empty_since}
        facts["passed_over"] = before.passed_over or gap
    return Run(**facts)


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

    def current(self, queries: Mapping[str, SavedQuery], store: Store) -> dict[str, Run]:
        """The last runs that were of these texts, and of a version that the data has."""
        runs = self.runs()
        newest = store.version() if runs else 0
        return {
            name: run
            for name, run in runs.items()
            if name in queries
            and run.version <= newest
            and run.query_sha256 == query_hash(queries[name])
        }

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
            with locked(self._path):
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
        write_durably(self._path, f"{text}\n".encode())


@lru_cache(maxsize=4)
def _read(path: Path, state: tuple[int, int, int]) -> Mapping[str, Run]:
    """The file in that state; one that cannot be read counts as empty, and is made again."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        runs = [Run(**run) for run in listed]
    except (OSError, ValueError, TypeError):
        return {}
    return MappingProxyType({run.query: run for run in runs})
