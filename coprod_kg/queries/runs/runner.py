"""Runner that counts the public rows of each saved query over the newest version.

One query runs at a time, under the limits of every client; that whose last run is oldest is first.
Each is asked over the newest version there is at that moment, so that a version which is followed
by another within a minute is passed over.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from coprod_kg.access import Private, hidden
from coprod_kg.errors import CoprodError, LimitReached, Overloaded, StoreFull, StoreUnavailable
from coprod_kg.formats.table import read_table
from coprod_kg.queries.ask import ask
from coprod_kg.queries.citation import query_hash
from coprod_kg.queries.library import SavedQuery, load_all, views
from coprod_kg.queries.question import Endpoint, Question, bytes_within
from coprod_kg.queries.runs.ledger import Run, RunLedger
from coprod_kg.queries.runs.maintenance import Maintenance
from coprod_kg.queries.submitted.graph import Collection
from coprod_kg.settings import Settings
from coprod_kg.sparql.tokens import is_changing
from coprod_kg.store.base import Answer, Hidden, Query, Store
from coprod_kg.store.prepared import LARGEST_BYTES, PreparedAnswers

__all__ = ["due", "prepare_views", "questions", "refresh", "run_now"]

_LINES: Final = {
    "SELECT": "text/tab-separated-values",
    "CONSTRUCT": "application/n-triples",
    "DESCRIBE": "application/n-triples",
}
"""Where one line is one row, so that rows are counted as they come."""


def questions(store: Store, settings: Settings) -> Mapping[str, SavedQuery]:
    """The saved queries there are now: those in files, and those that were submitted.

    Raises:
        ModelError: one in a file is at fault.
    """
    submitted = Collection(store, settings).at_version(store.version())
    return MappingProxyType({**submitted, **load_all(settings.queries)})


def refresh(
    store: Store,
    settings: Settings,
    queries: Mapping[str, SavedQuery],
    ledger: RunLedger,
    maintenance: Maintenance | None = None,
) -> Iterator[Run]:
    """Run all that were not run over the newest version, until there are none.

    Args:
        store: what is asked.
        settings: the limits and the base IRI.
        queries: the saved queries.
        ledger: where runs are recorded.
        maintenance: keeps small answers for those who ask next, and brings them up to date.

    Raises:
        Overloaded: others wait; to be taken up again later.
        StoreUnavailable: nobody answers.
        StoreError: the ledger cannot be written.
    """
    while due_names := due(queries, ledger, store.version()):
        name = due_names[0]
        if maintenance is not None:
            endpoint, hidden = Endpoint.local(store, settings, {}), _hidden(settings)
            due_queries = [queries[name] for name in due_names]
            runs = ledger.current(queries, store)
            maintenance.bring_up_to_date(endpoint, hidden, due_queries, runs)
            name = maintenance.unchecked or name
        yield run_now(store, settings, queries[name], ledger, maintenance)


def due(queries: Mapping[str, SavedQuery], ledger: RunLedger, version: int) -> list[str]:
    """The names of the queries whose last run was over another version, the oldest first."""
    runs = ledger.runs()
    last_versions = {
        name: runs[name].version
        if name in runs and runs[name].query_sha256 == query_hash(query)
        else -1
        for name, query in queries.items()
    }
    return sorted(
        (name for name in last_versions if last_versions[name] != version),
        key=lambda name: last_versions[name],
    )


def run_now(
    store: Store,
    settings: Settings,
    query: SavedQuery,
    ledger: RunLedger,
    maintenance: Maintenance | None = None,
) -> Run:
    """Run one query with its default parameters, and record the outcome.

    Raises:
        Overloaded, StoreUnavailable, StoreError: as for `refresh`.
    """
    version, rows, problem = store.version(), None, _missing_parameters(query)
    began, moment = time.monotonic(), datetime.now(UTC)
    maintained = maintenance.use(query.name, version) if maintenance else None
    seconds = maintained.seconds if maintained else 0.0
    if maintained is not None:
        rows = maintained.rows
    elif problem is None:
        answers = maintenance.answers if maintenance else None
        try:
            version, rows = _count(_public(store, settings, answers), query)
        except (Overloaded, StoreUnavailable):
            raise
        except CoprodError as error:
            problem = error.what
        seconds = time.monotonic() - began
    if maintenance is not None:
        maintenance.check(query.name, version)
    return ledger.note(
        Run(
            query=query.name,
            query_sha256=query_hash(query),
            version=version,
            time=moment.isoformat(timespec="seconds"),
            seconds=round(seconds, 3),
            rows=rows,
            problem=problem,
        )
    )


def _missing_parameters(query: SavedQuery) -> str | None:
    names = [parameter.name for parameter in query.parameters if parameter.required]
    return f"it is not run without a value for {' and '.join(names)}" if names else None


def _public(store: Store, settings: Settings, answers: PreparedAnswers | None) -> Endpoint:
    """An endpoint without private organisations; small answers that are read whole are kept."""
    hidden_graphs = _hidden(settings)

    def ask_publicly(query: Query) -> Answer:
        query = replace(query, hidden=hidden_graphs)
        answer = ask(store, query, settings)
        if answers is None or is_changing(query.text):
            return answer
        return replace(answer, chunks=_kept_when_read(answers, query, answer))

    return replace(Endpoint.local(store, settings, {}), ask=ask_publicly)


def _hidden(settings: Settings) -> Hidden:
    """What does not exist for the public."""
    return hidden(Private(settings.data).organisations(), settings.base_iri)


def _kept_when_read(answers: PreparedAnswers, query: Query, answer: Answer) -> Iterator[bytes]:
    """The bytes of an answer, which is kept when they have all passed and are few."""
    kept_bytes = bytearray()
    with answer:
        for chunk in answer.chunks:
            if len(kept_bytes) <= LARGEST_BYTES:
                kept_bytes += chunk
            yield chunk
    if len(kept_bytes) <= LARGEST_BYTES:
        with suppress(OSError, StoreFull):  # it is only for speed
            answers.keep(query, answer.version, answer.media_type, bytes(kept_bytes))


def prepare_views(
    store: Store, settings: Settings, answers: PreparedAnswers
) -> Iterator[tuple[str, float]]:
    """Ask the views of our own pages over the newest version; each with the seconds that it took.

    Raises:
        Overloaded: others wait; to be taken up again later.
        StoreUnavailable: nobody answers.
    """
    endpoint = _public(store, settings, answers)
    for name, view in views().items():
        if not view.parameters:  # else a page binds them, to another thing each time
            began = time.monotonic()
            try:
                Question(endpoint, view, {}).table()
            except (Overloaded, StoreUnavailable):
                raise
            except CoprodError:
                continue  # the page reports it to its reader
            yield name, time.monotonic() - began


def _count(endpoint: Endpoint, query: SavedQuery) -> tuple[int, int | None]:
    """The version that answered, and how many rows it had."""
    question = Question(endpoint, query, {})
    answer = question.answer((question.plain,))
    data = bytes_within(answer, LARGEST_BYTES)
    if data is None:
        return _count_lines(question)
    if query.form == "ASK":
        return answer.version, None
    if query.is_graph:
        return answer.version, data.count(b"\n")
    return answer.version, len(read_table(data).rows)


def _count_lines(question: Question) -> tuple[int, int | None]:
    """The version that gave a large answer, and its rows, counted as they arrive."""
    lines = size = 0
    query, settings = question.saved, question.endpoint.settings
    with question.answer((_LINES[query.form],)) as answer:
        for chunk in answer.chunks:
            lines += chunk.count(b"\n")
            size += len(chunk)
            if size > settings.result_mb << 20:
                raise LimitReached(f"the answer is larger than {settings.result_mb} MiB")
    return answer.version, lines - (query.form == "SELECT")
