"""A saved query bound to values, answered by a data directory or by a service."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, TypeVar

from coprod_kg.client.crate import crated
from coprod_kg.client.opening import opened
from coprod_kg.client.remote import Remote
from coprod_kg.errors import NotAcceptable, NotFound
from coprod_kg.formats.media_types import CRATE, GRAPHS, ROWS, WORKBOOK, Format, by_name
from coprod_kg.formats.table import read_table
from coprod_kg.queries.answer import cited, claims_in, quoted
from coprod_kg.queries.ask import run_saved
from coprod_kg.queries.derived import AskedQuery, formats_made
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.parameters import did_you_mean
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = ["CITATIONS", "BoundQuestion", "LocalQuestion", "RemoteQuestion", "found"]

_Said = TypeVar("_Said")
_JSON: Final = (ROWS[0].media_type,)
CITATIONS: Final = ("text", "bibtex", "csl")
"""What a citation can be written as."""


class BoundQuestion(Protocol):
    """A saved query, bound to values."""

    def described(self) -> Mapping[str, Any]:
        """What the catalogue says of it."""

    def asked(self, media_types: tuple[str, ...], made: Format | None, number: int | None) -> Any:
        """The answer, as a context manager: in one of the formats, or made into one."""

    def cited(self, form: str, number: int | None) -> str:
        """The citation of the answer, in one of `CITATIONS`."""

    def newest(self) -> int:
        """The newest version there is."""


@dataclass(frozen=True)
class LocalQuestion:
    """A query asked of the data directory, which is opened and closed each time.

    Attributes:
        saved: the query.
        values: what it is bound to.
        settings: where the data is.
    """

    saved: SavedQuery
    values: Mapping[str, Sequence[str]]
    settings: Settings

    def described(self) -> Mapping[str, Any]:
        """What the catalogue says of it."""
        return self.saved.described()

    @contextmanager
    def asked(
        self, media_types: tuple[str, ...], made: Format | None, number: int | None
    ) -> Iterator[Answer]:
        """The answer, in one of the formats, or made into one.

        Raises:
            NotFound: it is a chart, and the query has none.
            CoprodError: what `coprod_kg.queries.ask.run_saved` raises.
        """
        with opened(self.settings) as store, self.answer(store, media_types, made, number) as one:
            yield one

    def answer(
        self, store: Store, media_types: tuple[str, ...], made: Format | None, number: int | None
    ) -> Answer:
        """The same, of a store that is open already."""
        settings, own = self.settings, self.settings.queries
        asking = self._asking(_JSON if made else media_types, number)
        if made == CRATE:
            return crated(store, self.saved, self.values, asking, settings)
        try:
            answer = run_saved(store, self.saved, self.values, asking, settings)
        except NotAcceptable:
            raise _not_made(self.described(), made or media_types) from None
        if made is None:
            return answer
        with answer:
            if made not in formats_made(self.saved, own):
                raise _not_made(self.described(), made)
            table = read_table(answer.read())
        claims = claims_in(store, answer.version, settings)
        asked = AskedQuery(self.saved, self.values, answer.version, own, claims=claims)
        if made == WORKBOOK:
            asked = quoted(store, asked, table, settings)
        data = asked.made(made, table)
        return Answer(made.media_type, answer.version, len(data), iter((data,)))

    def cited(self, form: str, number: int | None) -> str:
        """The citation of the answer."""
        with opened(self.settings) as store:
            return self.citation(store, form, number)

    def citation(self, store: Store, form: str, number: int | None) -> str:
        """The same, of a store that is open already."""
        asking = self._asking((), number)
        citation = cited(store, self.saved, self.values, asking, self.settings)
        return {"text": citation.text, "bibtex": citation.bibtex, "csl": citation.csl_text}[form]()

    def newest(self) -> int:
        """The newest version there is; the store stays closed."""
        return Snapshots(DataDirectory(self.settings.data).snapshots).current()

    def _asking(self, media_types: tuple[str, ...], number: int | None) -> Query:
        return Query("", media_types, version=number, seconds=self.settings.query_seconds)


@dataclass(frozen=True)
class RemoteQuestion:
    """A query asked of a service.

    Attributes:
        remote: the service.
        name: the name of the query.
        values: what it is bound to.
    """

    remote: Remote
    name: str
    values: Mapping[str, Sequence[str]]

    def described(self) -> Mapping[str, Any]:
        """The service's description of the query.

        Raises:
            NotFound: it has no such query; says which may be meant.
        """
        return self._described

    def asked(
        self, media_types: tuple[str, ...], made: Format | None, number: int | None
    ) -> Answer:
        """The answer, in one of the formats, or made into one."""
        types = (made.media_type,) if made else media_types
        try:
            return self.remote.query(self.name, self.values, types, number)
        except NotFound:
            self.described()
            raise
        except NotAcceptable:
            raise _not_made(self.described(), made or media_types) from None

    def cited(self, form: str, number: int | None) -> str:
        """The citation of the answer."""
        return self.remote.cited(self.name, self.values, form, number)

    def newest(self) -> int:
        """The newest version there is."""
        with self.remote.sparql("ASK {}", _JSON, None) as answer:
            return answer.version

    @cached_property
    def _described(self) -> Mapping[str, Any]:
        known = {query["name"]: query for query in self.remote.queries()}
        return found(known, self.name, f"coprod-kg queries --url {self.remote.url}")


def found(known: Mapping[str, _Said], name: str, listing: str = "coprod-kg queries") -> _Said:
    """The saved query of that name.

    Raises:
        NotFound: there is none; says which may be meant.
    """
    if name not in known:
        raise NotFound(
            f"there is no saved query {name!r}{did_you_mean(name, known)}",
            fix=f"{listing} lists them all, and with words or --tag those that you look for.",
        )
    return known[name]


def _not_made(said: Mapping[str, Any], wanted: Format | tuple[str, ...]) -> NotFound:
    """The answer is not to be had so; says how else."""
    graph = said["form"] in ("CONSTRUCT", "DESCRIBE")
    others = [fmt.name for fmt in (GRAPHS if graph else (*ROWS, WORKBOOK))]
    form = wanted.name if isinstance(wanted, Format) else by_name(wanted[0])[0].label
    return NotFound(
        f"the question {said['name']} has no {form}", fix=f"It can be {', '.join(others)} or crate."
    )
