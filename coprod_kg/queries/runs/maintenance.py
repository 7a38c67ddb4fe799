"""Incremental maintenance of the saved queries' answers, from what the commits since them touched.

A question that says how its answer is put together from parts (``#+ parts:``) is asked over the
part of the data that was touched, as it was and as it is, and not over all the data. A child
process does so for all questions at once.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from coprod_kg.errors import StoreFull, VersionGone
from coprod_kg.queries.ask import admitted, ask
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.queries.runs.ledger import Run
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import module, run
from coprod_kg.settings import Settings
from coprod_kg.sparql.dataset import prologue_length
from coprod_kg.sparql.tokens import order_by, significant
from coprod_kg.store.base import NOTHING, Hidden, Query
from coprod_kg.store.maintenance.touched import TouchedPart, touched_part
from coprod_kg.store.prepared import PreparedAnswers

__all__ = ["Maintained", "Maintenance"]

_NTRIPLES: Final = "application/n-triples"
_JSON: Final = "application/sparql-results+json"
_SECONDS: Final = 120.0
"""The deadline of the child; where it passes, the questions are asked over all the data."""
_GRACE_SECONDS: Final = 5.0
_BATCH_BYTES: Final = 32 << 20
"""Of the answers that one child is given; a single one may be larger."""


@dataclass(frozen=True, slots=True)
class Maintained:
    """The answer to a question over a version, brought up to date from one over an older version.

    Attributes:
        query: what would have been put to the store.
        data: the answer as SPARQL JSON results.
        rows: how many it has.
        seconds: how long it took to put it together.
        changed: whether the touched part changed it.
    """

    query: Query
    data: bytes
    rows: int
    seconds: float
    changed: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """A question with its answer over an older version."""

    saved: SavedQuery
    query: Query
    answer: bytes


class Maintenance:
    """Maintenance of the prepared answers of one data directory.

    Of each version one question is asked over all the data too. Where its two answers differ, no
    answer is maintained any more, and the terminal says so.

    Args:
        answers: the prepared answers.
    """

    def __init__(self, answers: PreparedAnswers) -> None:
        self.answers = answers
        self.unchecked: str | None = None
        """The question that is asked over all the data before any maintained answer is used."""
        self._trusted = True
        self._state = -1, NOTHING
        self._maintained: dict[str, Maintained] = {}

    def bring_up_to_date(
        self,
        endpoint: Endpoint,
        hidden: Hidden,
        queries: Iterable[SavedQuery],
        runs: Mapping[str, Run],
    ) -> None:
        """Maintain what can be maintained over the newest version, unless that was done for it.

        Args:
            endpoint: where questions are asked.
            hidden: what does not exist for those whose answers they are.
            queries: the questions, asked with their default parameters.
            runs: the last run of each, of the same text.

        Raises:
            CoprodError: what the endpoint raises, but that a version is gone.
        """
        newest = endpoint.store.version()
        if not self._trusted or self._state == (newest, hidden):
            return
        self._maintained, self.unchecked = {}, None
        made = dict[str, Maintained]()
        known_by_version = self._known_by_version(endpoint, hidden, queries, runs, newest)
        for older, known in known_by_version.items():
            part = _part(endpoint, hidden, older, newest)
            if part is not None:
                for batch in _batches(known):
                    made |= _maintained(endpoint.settings, part, batch)
        changed = sorted(name for name, answer in made.items() if answer.changed)
        if changed:  # another one for each version
            self.unchecked = changed[newest % len(changed)]
        self._state, self._maintained = (newest, hidden), made

    def _known_by_version(
        self,
        endpoint: Endpoint,
        hidden: Hidden,
        queries: Iterable[SavedQuery],
        runs: Mapping[str, Run],
        newest: int,
    ) -> dict[int, list[_Known]]:
        known_by_version = dict[int, list[_Known]]()
        for saved in queries:
            last = runs.get(saved.name)
            if saved.parts and last and last.problem is None and last.version < newest:
                query = replace(Question(endpoint, saved, {}).query((_JSON,)), hidden=hidden)
                found = self.answers.find(query, last.version)
                if found is not None:
                    known = _Known(saved, query, found.read())
                    known_by_version.setdefault(last.version, []).append(known)
        return known_by_version

    def use(self, name: str, version: int) -> Maintained | None:
        """The maintained answer to a question over a version, kept for those who ask next.

        None where there is none, or where one is still to be checked.
        """
        if version != self._state[0] or self.unchecked is not None:
            return None
        answer = self._maintained.pop(name, None)
        if answer is not None:
            with suppress(OSError, StoreFull):  # it is only for speed
                self.answers.keep(answer.query, version, _JSON, answer.data)
        return answer

    def check(self, name: str, version: int) -> None:
        """Compare the answer to the unchecked question with the one over all the data.

        Args:
            name: a question that was asked over all the data.
            version: the version that answered.
        """
        if name != self.unchecked or version != self._state[0]:
            return
        maintained, self.unchecked = self._maintained.pop(name), None
        whole = self.answers.find(maintained.query, version)
        if whole is not None and whole.read() != maintained.data:
            self._trusted, self._maintained = False, {}
            sys.stderr.write(
                f"coprod-kg freshness: the answer to {name} over version {version}, brought up to "
                "date from an older one, is not that over all the data. From now on every answer "
                "is made from all the data. Its header says 'parts', which may be wrong.\n"
            )


def _part(endpoint: Endpoint, hidden: Hidden, older: int, newer: int) -> TouchedPart | None:
    store, settings = endpoint.store, endpoint.settings

    def query(text: str, version: int) -> bytes:
        seen = Query(text, (_NTRIPLES,), version=version, hidden=hidden)
        return ask(store, seen, settings).read()

    try:
        return touched_part(query, settings, older, newer)
    except VersionGone:
        return None


def _batches(known: Iterable[_Known]) -> Iterator[list[_Known]]:
    """The questions in groups whose answers are not too much for one child."""
    batch, size = list[_Known](), 0
    for question in known:
        if batch and size + len(question.answer) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(question)
        size += len(question.answer)
    yield batch


def _maintained(
    settings: Settings, part: TouchedPart, known: Sequence[_Known]
) -> dict[str, Maintained]:
    """What the child made of answers; none where it failed, for it is only for speed."""
    limits = {"seconds": _SECONDS, "memory_mb": settings.query_memory_mb}
    job = {"limits": limits, "queries": [_described(one, settings) for one in known]}
    payloads = [part.model, part.before, part.after, *(one.answer for one in known)]
    ended = run(
        module("coprod_kg.store.maintenance.child"),
        lambda pipe: wire.write(pipe, job, payloads),
        seconds=_SECONDS + _GRACE_SECONDS,
    )
    answer = ended.answer(sys.maxsize) if ended.status == 0 else None
    if answer is None:
        why = ended.death or ended.last_words
        sys.stderr.write(f"coprod-kg freshness: answers are asked anew from all the data: {why}\n")
        return {}
    message, found = answer
    made = dict[str, Maintained]()
    for record, data in zip(message["maintained"], found, strict=True):
        question = known[record["query"]]
        changed = record["changed"]
        made[question.saved.name] = Maintained(
            question.query,
            data if changed else question.answer,
            record["rows"],
            record["seconds"],
            changed,
        )
    return made


def _described(known: _Known, settings: Settings) -> dict[str, Any]:
    """A question for the child, ready for JSON."""
    text = admitted(known.query, settings).text
    tokens = list(significant(text))
    select, order = tokens[prologue_length(tokens)], order_by(tokens)[0]
    return {
        "text": text,
        "prologue": text[: select.start],
        "order": text[order.start :],
        "parts": known.saved.parts,
        "counted": [column.name for column in known.saved.columns if column.unit],
    }
