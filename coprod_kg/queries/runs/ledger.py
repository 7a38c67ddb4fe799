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
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.store.base import Store
from coprod_kg.store.directory import locked, write_durably

__all__ = ["Run", "RunLedger", "run_after"]


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
        outcome = self.outcome_in("")
        return outcome if self.problem is None else f"{outcome}: {self.problem}"

    def outcome_in(self, language: str) -> str:
        """The outcome in a language, without the problem, whose text is in English only."""
        if self.problem is not None:
            return text_in("not answered", language)
        if self.rows is None:
            return text_in("answered", language)
        if self.rows == 0 and self.empty_since is not None:
            return self._emptiness(self.empty_since, language)
        singular, plural = text_in("1 row", language), text_in("{rows} rows", language)
        return singular if self.rows == 1 else plural.format(rows=self.rows)

    def _emptiness(self, since: int, language: str) -> str:
        """Since when it has no rows, as exactly as the versions that were asked can say it."""
        if self.passed_over:
            template = text_in("empty whenever it was run since version {version}", language)
        elif since == 0 or self.filled == since - 1:
            template = text_in("empty since version {version}", language)
        else:
            template = text_in("empty since version {version} at the latest", language)
        return template.format(version=since)

    @property
    def moment(self) -> datetime:
        """When it was run."""
        return datetime.fromisoformat(self.time)

    def record(self) -> dict[str, Any]:
        """The run, ready for JSON."""
        return asdict(self)

    def described(self) -> dict[str, Any]:
        """The run in a list of the saved queries, ready for JSON."""
        names = ("version", "time", "seconds", "rows", "problem")
        entry = {name: getattr(self, name) for name in names}
        return entry | {
            "empty_since": self.empty_since if self.is_empty else None,
            "outcome": self.outcome,
        }


def run_after(previous: Run | None, run: Run) -> Run:
    """A run that has just ended, with what follows for it from the last run of the same query.

    Args:
        previous: the last run of the same query, or None.
        run: the run, which says nothing of earlier versions yet.
    """
    if (
        previous is None
        or previous.query_sha256 != run.query_sha256
        or previous.version > run.version
    ):
        previous = None  # another question, or another history of the data
    record = run.record()
    if run.problem is not None:  # no news of the rows: what was known of them stays
        previous_record = previous.record() if previous else {}
        kept_names = ("answered", "filled", "empty_since", "passed_over")
        return Run(
            **record
            | {name: previous_record[name] for name in kept_names if name in previous_record}
        )
    record["answered"] = run.version
    if run.rows != 0:
        record["filled"] = run.version
    elif previous is None or previous.empty_since is None:
        record |= {"filled": previous.filled if previous else None, "empty_since": run.version}
    else:
        gap = previous.answered is None or run.version > previous.answered + 1
        record |= {"filled": previous.filled, "empty_since": previous.empty_since}
        record["passed_over"] = previous.passed_over or gap
    return Run(**record)


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
        return _read_runs(self._path, (status.st_ino, status.st_mtime_ns, status.st_size))

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
                runs[run.query] = recorded = run_after(runs.get(run.query), run)
                self._write(runs)
        except OSError as error:
            raise StoreError(
                f"the last runs cannot be written down: {error.strerror}",
                where=str(self._path),
                fix="Give this user the right to write there, or make room on the disk.",
            ) from None
        return recorded

    def _write(self, runs: Mapping[str, Run]) -> None:
        text = json.dumps([run.record() for run in runs.values()], ensure_ascii=False, indent=1)
        write_durably(self._path, f"{text}\n".encode())


@lru_cache(maxsize=4)
def _read_runs(path: Path, state: tuple[int, int, int]) -> Mapping[str, Run]:
    """The file in that state; one that cannot be read counts as empty, and is made again."""
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
        runs = [Run(**run) for run in records]
    except (OSError, ValueError, TypeError):
        return {}
    return MappingProxyType({run.query: run for run in runs})
