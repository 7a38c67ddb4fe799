"""What all routes of an application share: store, settings, saved queries, slots, cache."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from flask import request

from coprod_kg.access import Grant, Private, Tokens, hidden
from coprod_kg.formats.table import Table
from coprod_kg.queries.ask import admitted, ask
from coprod_kg.queries.caveat import claims_of
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, RestrictedStore, Store
from coprod_kg.store.changes import Removed
from coprod_kg.store.local import LocalStore
from coprod_kg.store.prepared import LARGEST_BYTES, PreparedAnswers
from coprod_kg.store.worker_client import NeedsThread
from coprod_kg.web.address import root
from coprod_kg.web.authorisation import holder
from coprod_kg.web.cache import AnswerCache
from coprod_kg.web.client_slots import Slots, client, hold
from coprod_kg.web.gauges import Present
from coprod_kg.web.name_index import Indexes
from coprod_kg.web.protocol import Parameters, version
from coprod_kg.web.request_log import RequestLog, request_log
from coprod_kg.web.saved_questions import SavedQuestions

__all__ = ["ONTOLOGY", "VOCABULARY", "Site"]

VOCABULARY: Final = "https://w3id.org/coprod/vocab/"
_MODEL: Final = "https://w3id.org/coprod/"
"""Where the concepts of the schemes are named, whatever the base of the data."""

ONTOLOGY: Final = "https://w3id.org/coprod/ontology#"
"""Where the terms of the model are named."""

_SPACES: Final = ("id", "graph", "submission", "version", "model", "queries", "dataset", "problem")
"""The first parts of the names that are minted below the base, each with a page here."""
_SAFE: Final = "/-._~!$&'()*+,;=:@%"
"""What stands in an address as it stands in an IRI: a percent-escape is part of the name."""


@dataclass(frozen=True, slots=True)
class Site:
    """The store, the settings, and the queries that are saved by name.

    Attributes:
        store: the store that is queried.
        settings: the limits and names of this installation.
        queries: the questions people ask, by name.
        views: what our own pages ask, by name.
        tokens: who may write.
        private: whose data not everybody sees.
        slots: where queries are admitted.
        checks: where checks of submissions are admitted.
        charts: where charts, workbooks and crates made from answers are admitted.
        cache: the small answers of this process.
        prepared: the answers that were made ready for a version.
        present: the gauges for operators.
        removed: the things that are no more, and which version removed them.
        names: the indexes by which names are found.
    """

    store: Store
    settings: Settings
    queries: SavedQuestions
    views: Mapping[str, SavedQuery]
    tokens: Tokens
    private: Private
    slots: Slots
    checks: Slots
    charts: Slots
    cache: AnswerCache
    prepared: PreparedAnswers
    present: Present
    removed: Removed
    names: Indexes

    def version(self, asked: int | None = None) -> int:
        """The version asked for, or the newest."""
        return self.store.version() if asked is None else asked

    @property
    def lineage(self) -> str:
        """The lineage of the versions."""
        return self.store.identity().lineage

    def is_pinned(self, given: Parameters, *names: str) -> bool:
        """Whether an address names its data for ever: by version and lineage.

        Args:
            given: the parameters of the address.
            names: those that are versions, all of which have to be there.

        Raises:
            NotFound: the data was never of that lineage.
            VersionGone: the version was made after the copy from which the data goes on.
            WrongUsage: a version is no number, or the lineage stands there more than once.
        """
        lineage = given.one("lineage")
        if not lineage:
            return False
        numbers = [version(given, name) for name in names or ("version",)]
        found = [number for number in numbers if number is not None]
        self.store.identity().check(lineage, found)
        return len(found) == len(numbers)

    def ask_store(self, query: Query) -> Answer:
        """Answer a query from the cache or the store, admitted and limited as the client's.

        Raises:
            NeedsThread: the application is called in the event loop, and a worker has to be asked.
        """
        log = request_log(request)
        query = self._as_client(query, log)
        found = self._find_at_hand(query, log)
        if found is not None:
            return found
        if log.in_loop:
            raise NeedsThread
        return self._noted(query, self._answer_in_slot(query, log), log)

    def answer_at_hand(self, query: Query) -> Answer | None:
        """The answer to a query that takes no worker: one that is kept, or to a point lookup."""
        log = request_log(request)
        return self._find_at_hand(self._as_client(query, log), log)

    def _as_client(self, query: Query, log: RequestLog) -> Query:
        """The query over what the client may see, noted in the log."""
        log.note(query.text if query.sent is None else query.sent)
        holder(request, self.tokens)
        return replace(query, hidden=hidden(log.hidden, self.settings.base_iri))

    def _find_at_hand(self, query: Query, log: RequestLog) -> Answer | None:
        kept = self.kept(query) if self.cache.is_cacheable(query) else None
        if kept is not None:
            log.cached("hit")
            log.notes["version"] = kept.version
            return kept
        if log.pending is not None or not isinstance(self.store, LocalStore):
            return None
        look = self.store.try_point_lookup if log.in_loop else self.store.point_lookup
        answer = look(admitted(query, self.settings))
        return self._noted(query, answer, log) if isinstance(answer, Answer) else None

    def _noted(self, query: Query, answer: Answer, log: RequestLog) -> Answer:
        """An answer that was made for this request: what the log says of it, and kept when read."""
        log.notes["version"] = answer.version
        if not self.cache.is_cacheable(query):
            log.cached("bypass")
            return answer
        log.cached("miss")
        return self.cache.cached_when_read(query, answer)

    def _answer_in_slot(self, query: Query, log: RequestLog) -> Answer:
        """The answer of a worker; it holds one of the client's slots to its end."""
        pending, log.pending = log.pending, None
        sender = client(log.client, log.grant)
        slot = pending.slot if pending else self.slots.take(sender, log.cancellation)
        query = replace(query, cancellation=log.cancellation, reserved=slot.reserved)
        try:
            # A pending query answers this one query from its worker, all others from the store.
            answer = ask(pending or self.store, query, self.settings)
        except BaseException:  # no answer holds the slot yet
            slot.give_back()
            raise
        return hold(answer, slot)

    @contextmanager
    def checking(self, grant: Grant | None = None) -> Iterator[None]:
        """Hold one of the slots for checks while a file of the client is checked.

        Args:
            grant: what the client may do, where the token came in the body.
        """
        log = request_log(request)
        grant = grant or holder(request, self.tokens)
        slot = self.checks.take(client(log.client, grant), log.cancellation)
        try:
            yield
        finally:
            slot.give_back()

    @contextmanager
    def making(self) -> Iterator[None]:
        """Hold one of the slots for charts while a chart, workbook or crate is made."""
        log = request_log(request)
        grant = holder(request, self.tokens)
        slot = self.charts.take(client(log.client, grant), log.cancellation)
        try:
            yield
        finally:
            slot.give_back()

    @property
    def restricted_store(self) -> RestrictedStore:
        """The store without the data hidden from the client; its queries take no slot."""
        log = request_log(request)
        data = hidden(log.hidden, self.settings.base_iri)
        return RestrictedStore(self.store, data, reserved=log.grant is not None)

    def kept(self, query: Query, most_bytes: int = LARGEST_BYTES) -> Answer | None:
        """The answer that is at hand to a question about a version that is still there.

        Args:
            query: the question.
            most_bytes: an answer that was made ready and is larger counts as none.
        """
        number = self.store.version()
        if query.version not in (None, number):
            if query.version not in self.store.versions():
                return None
            number = query.version
        found = self.cache.find(query, number)
        if found is not None:
            return found
        prepared = self.prepared.find(query, number, most_bytes)
        return prepared and self.cache.cached_when_read(query, prepared)

    @property
    def endpoint(self) -> Endpoint:
        """Where saved queries are asked for the client of this request."""
        return Endpoint(self.store, self.settings, self.queries, self.ask_store, root())

    def see_public(self) -> None:
        """Have this request see what anybody may see, whoever makes it."""
        request_log(request).hidden = self.private.organisations()

    def rows_of(self, name: str, version: int | None = None) -> Table:
        """The rows of a query that takes no value; none where they are more than a page shows."""
        query = self.views[name] if name in self.views else self.queries[name]
        return Question(self.endpoint, query, {}, version).table() or Table((), ())

    def about(self, name: str, thing: str, version: int | None = None, **values: str) -> Question:
        """One of our own queries about the thing an IRI names.

        The header can declare one kind of thing; here it is whichever kind the IRI says.

        Args:
            name: of the query.
            thing: the IRI.
            version: the dataset version, or None for the newest.
            values: of its other parameters.
        """
        kind = thing.removeprefix(f"{self.settings.base_iri}id/").partition("/")[0]
        query = self.views[name]
        taken = tuple(replace(parameter, scope=kind) for parameter in query.parameters)
        bound = replace(query, parameters=taken)
        given = {name: (value,) for name, value in values.items()}
        return Question(self.endpoint, bound, {"thing": (thing,), **given}, version)

    def claims(self, version: int | None, thing: str | None = None) -> tuple[int, int]:
        """How many claims are secondary coding, and how many there are, for a disclaimer.

        Args:
            version: the dataset version.
            thing: those about this thing, or the claim that it is; all claims where it is None.
        """
        if thing is None:
            return self.endpoint.claims(version)
        found = self.about("view-bases-of", thing, version).table()
        return claims_of(found or Table((), ()))

    def path(self, iri: str) -> str | None:
        """The address on this server of the thing an IRI names, or None if it is not ours."""
        base = self.settings.base_iri
        if iri.startswith(tuple(f"{base}{space}/" for space in _SPACES)):
            return "/" + quote(iri[len(base) :], safe=_SAFE)
        if iri.startswith(VOCABULARY) and "/" in iri[len(VOCABULARY) :]:
            return "/vocab/" + quote(iri[len(VOCABULARY) :], safe=_SAFE)
        if iri.startswith((f"{_MODEL}ontology#", f"{_MODEL}shapes#")):
            return "/" + quote(iri[len(_MODEL) :], safe="/-._~#")
        return None
