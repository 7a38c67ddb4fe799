"""Runner that counts the public rows of each saved query over the newest version.

One at a time, with the limits that hold for everybody, the one whose last run is oldest first.
Each is asked over the newest version there is at that moment, so that a version which is
followed by another within a minute is passed over and nothing is run for nobody.
"""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from coprod_kg.access import Private, hidden
from coprod_kg.errors import CoprodError, LimitReached, Overloaded, StoreUnavailable
from coprod_kg.queries.ask import Endpoint, Question
from coprod_kg.queries.citation import query_hash
from coprod_kg.queries.library import SavedQuery, load_all
from coprod_kg.queries.runs.ledger import Run, RunLedger
from coprod_kg.queries.submitted.graph import Collection
from coprod_kg.settings import Settings
from coprod_kg.store.base import RestrictedStore, Store

__all__ = ["due", "questions", "refresh", "run_now"]

_LINES: Final = {
    "SELECT": "text/tab-separated-values",
    "ASK": "application/sparql-results+json",
    "CONSTRUCT": "application/n-triples",
    "DESCRIBE": "application/n-triples",
}
"""Where one line is one row, so that rows are counted as they come."""


def questions(store: Store, settings: Settings) -> Mapping[str, SavedQuery]:
    """The saved queries there are now: those in files, and those that were submitted.

    Raises:
        ModelError: one in a file is at fault.
    """
    submitted = Collection(store, settings).at(store.version())
    return MappingProxyType({**submitted, **load_all(settings.queries)})


def refresh(
    store: Store, settings: Settings, queries: Mapping[str, SavedQuery], ledger: RunLedger
) -> Iterator[Run]:
    """Run all that were not run over the newest version, until there are none.

    Raises:
        Overloaded: others wait; to be taken up again later.
        StoreUnavailable: nobody answers.
        StoreError: the ledger cannot be written.
    """
    while waiting := due(queries, ledger, store.version()):
        yield run_now(store, settings, queries[waiting[0]], ledger)


def due(queries: Mapping[str, SavedQuery], ledger: RunLedger, version: int) -> list[str]:
    """The names of the queries whose last run was over another version, the oldest first."""
    runs = ledger.runs()
    last = {
        name: runs[name].version
        if name in runs and runs[name].query_sha256 == query_hash(query)
        else -1
        for name, query in queries.items()
    }
    return sorted((name for name in last if last[name] != version), key=lambda name: last[name])


def run_now(store: Store, settings: Settings, query: SavedQuery, ledger: RunLedger) -> Run:
    """Run one query with its default parameters, and record the outcome.

    Raises:
        Overloaded, StoreUnavailable, StoreError: as for `refresh`.
    """
    seen = RestrictedStore(store, hidden(Private(settings.data).organisations(), settings.base_iri))
    version, rows, problem = store.version(), None, _needed(query)
    began, moment = time.monotonic(), datetime.now(UTC)
    if problem is None:
        try:
            version, rows = _count(seen, settings, query)
        except (Overloaded, StoreUnavailable):
            raise
        except CoprodError as error:
            problem = error.what
    return ledger.note(
        Run(
            query=query.name,
            query_sha256=query_hash(query),
            version=version,
            time=moment.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - began, 3),
            rows=rows,
            problem=problem,
        )
    )


def _needed(query: SavedQuery) -> str | None:
    names = [parameter.name for parameter in query.parameters if parameter.required]
    return f"it is not run without a value for {' and '.join(names)}" if names else None


def _count(store: Store, settings: Settings, query: SavedQuery) -> tuple[int, int | None]:
    """The version that answered, and how many rows it had."""
    lines = size = 0
    endpoint = Endpoint.local(store, settings, {})
    with Question(endpoint, query, {}).answer((_LINES[query.form],)) as answer:
        for chunk in answer.chunks:
            lines += chunk.count(b"\n")
            size += len(chunk)
            if size > settings.result_mb << 20:
                raise LimitReached(f"the answer is larger than {settings.result_mb} MiB")
    if query.form == "ASK":
        return answer.version, None
    return answer.version, lines - (query.form == "SELECT")
