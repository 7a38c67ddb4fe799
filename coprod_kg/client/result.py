"""An answer as Python values, a data frame, a table or a chart."""

import csv
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, partial
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coprod_kg.client.citation import LazyCitation, plainly
from coprod_kg.errors import CoprodError, NotFound, WrongUsage
from coprod_kg.formats.media_types import CRATE, GRAPHS, ROWS, by_name
from coprod_kg.formats.table import Cell, Table, labelled_columns, read_table
from coprod_kg.formats.text_table import Look, legend, readable, shown_columns
from coprod_kg.queries.content_hash import content_of_graph, content_of_table
from coprod_kg.queries.derived import DERIVED
from coprod_kg.queries.suppression import note
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["Chart", "Result", "html_table", "python_rows", "result"]

Ask = Callable[[tuple[str, ...], int | None], Answer]
Cite = Callable[[str, int | None], str]

_TYPES: Final = (ROWS[0].media_type, GRAPHS[0].media_type)
_NTRIPLES: Final = GRAPHS[2].media_type
_SVG: Final = by_name("svg")[0]
_PRINTED: Final = 20
_WIDTH: Final = 100
_SHOWN: Final = 50
"""Rows that a notebook shows; the answer holds all."""

_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_WHOLE: Final = frozenset(
    {"integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger"}
)
_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    **dict.fromkeys(_WHOLE, int),
    "decimal": Decimal,
    "double": float,
    "float": float,
    "date": date.fromisoformat,
    "dateTime": datetime.fromisoformat,
    "boolean": lambda text: text in ("true", "1"),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart; a notebook shows it.

    Attributes:
        svg: the picture.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, repr=False)
class Result:
    """An answer.

    Attributes:
        columns: the names of the columns, in order.
        rows: one dictionary a row; an unbound value is None, a withheld one "[c]".
        version: the dataset version that answered.
        sha256: the hash of what it says, the same in every format and at every service.
        truth: the answer of an ASK, else None.
        text: the Turtle of a CONSTRUCT or DESCRIBE, else empty.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    version: int
    sha256: str
    truth: bool | None
    text: str
    _table: Table
    _ask: Ask
    _cite: Cite | None
    _headings: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, one dictionary each."""
        return iter(self.rows)

    @cached_property
    def citation(self) -> LazyCitation:
        """The citation of this answer, the same as the service gives."""
        if self._cite is None:
            return LazyCitation(partial(plainly, version=self.version, sha256=self.sha256))
        cite = self._cite
        return LazyCitation(lambda form: cite(form, self.version))

    def to_pandas(self) -> "pandas.DataFrame":
        """The rows as a pandas frame.

        Raises:
            WrongUsage: pandas is not installed.
        """
        frame: pandas.DataFrame = _library("pandas").DataFrame(self.rows, columns=self.columns)
        return frame

    def to_polars(self) -> "polars.DataFrame":
        """The rows as a polars frame; a column of values of several kinds is one of texts.

        Raises:
            WrongUsage: polars is not installed.
        """
        library = _library("polars")
        frame: polars.DataFrame = library.DataFrame(
            [_series(library, name, [row[name] for row in self.rows]) for name in self.columns]
        )
        return frame

    def to_csv(self, path: str | Path) -> None:
        """Write the rows to a file."""
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)

    def save(self, path: str | Path) -> None:
        """Write the answer to a file, in the format of its ending.

        ``csv``, ``tsv``, ``json``, ``xml``, ``xlsx``, ``svg``, ``png``, ``vega`` or ``zip``, which
        is an RO-Crate; of a graph ``ttl``, ``nt``, ``jsonld`` or ``rdf``.

        Raises:
            WrongUsage: no format ends so.
            NotFound: it is a chart, and the query has none.
        """
        ending = Path(path).suffix.removeprefix(".")
        graph = GRAPHS if self.text else ROWS
        derived = (*DERIVED, CRATE) if self._cite else ()
        formats = [form for form in by_name(ending) if ending and form in (*graph, *derived)]
        if not formats:
            names = ", ".join(form.name for form in (*graph, *derived))
            raise WrongUsage(f"no format of this answer ends in {ending!r}", fix=f"Take {names}.")
        data = self._ask((formats[0].media_type,), self.version).read()
        Path(path).write_bytes(data)

    def crate(self, path: str | Path) -> None:
        """Write the answer with query, parameters, chart, licence and citation as an RO-Crate.

        Raises:
            WrongUsage: it is no answer of a saved query.
        """
        if self._cite is None:
            raise WrongUsage("only an answer of a saved query is taken away as a crate")
        Path(path).write_bytes(self._ask((CRATE.media_type,), self.version).read())

    def chart(self) -> Chart:
        """The chart that belongs to the saved query.

        Raises:
            NotFound: it has none.
        """
        if self._cite is None:
            raise NotFound("this answer has no chart", fix="Take a frame: .to_pandas()")
        return self._chart

    @cached_property
    def _chart(self) -> Chart:
        return Chart(self._ask((_SVG.media_type,), self.version).read().decode())

    def __repr__(self) -> str:
        if self.text:
            return self.text
        part = Table(self._table.columns, self._table.rows[:_PRINTED], self.truth)
        look = Look(Settings().base_iri, self._headings, width=_WIDTH, with_iris=not self._headings)
        footer = [f"({self._row_count(_PRINTED)})"] if self.truth is None else []
        return "\n".join([*readable(part, look), *footer])

    def _repr_html_(self) -> str:
        if self.truth is not None or self.text:
            return f"<pre>{escape(self.text or str(self.truth).lower())}</pre>"
        iri_columns = {label: name for name, label in labelled_columns(self.columns).items()}
        heads = shown_columns(self.columns, self._headings, not self._headings)
        cells = [
            [row[iri_columns.get(name, name)] if row[name] is None else row[name] for name in heads]
            for row in self.rows[:_SHOWN]
        ]
        notes = " ".join(filter(None, (legend(self._table), note(self._table))))
        notes = f"<p>{escape(notes)}</p>" if notes else ""
        count = f"<p>{self._row_count(_SHOWN)}</p>"
        return f"{self._figure()}{html_table(tuple(heads.values()), cells)}{notes}{count}"

    def _figure(self) -> str:
        """The chart as a picture in which nothing runs; nothing where there is none."""
        try:
            picture = self.chart().svg
        except CoprodError:
            return ""
        data = b64encode(picture.encode()).decode()
        return f'<img alt="" src="data:image/svg+xml;base64,{data}">'

    def _row_count(self, most_rows: int) -> str:
        count = len(self.rows)
        part = f", the first {most_rows} of them shown" if count > most_rows else ""
        return f"{'1 row' if count == 1 else f'{count} rows'}{part}; version {self.version}"


def result(ask: Ask, version: int | None, cite: Cite | None, headings: Mapping[str, str]) -> Result:
    """Ask, and keep the answer.

    Args:
        ask: gives the answer in the first of some media types that fits, of a version.
        version: which one; the newest where it is None.
        cite: gives its citation; None where it is no saved query.
        headings: column → what people call it.
    """
    with ask(_TYPES, version) as answer:
        data = answer.read()
    if answer.media_type == _TYPES[0]:
        table, text = read_table(data), ""
        content = content_of_table(table)
    else:
        table, text = Table((), ()), data.decode()
        lines = ask((_NTRIPLES,), answer.version).read()
        content = content_of_graph(lines)
    rows = python_rows(table)
    digest = content.sha256
    return Result(
        table.columns, rows, answer.version, digest, table.truth, text, table, ask, cite, headings
    )


def html_table(columns: tuple[str, ...], rows: list[list[Any]]) -> str:
    """A table as HTML, with every cell escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    right = ' style="text-align: right"' if isinstance(value, int | float | Decimal) else ""
    return f"<td{right}>{'' if value is None else escape(str(value))}</td>"


def python_rows(table: Table) -> list[dict[str, Any]]:
    """The rows of an answer with Python values."""
    return [
        {name: _value(row[name]) if name in row else None for name in table.columns}
        for row in table.rows
    ]


def _value(cell: Cell) -> object:
    kind = cell.datatype or ""
    reader = _READERS.get(kind.removeprefix(_XSD)) if kind.startswith(_XSD) else None
    if reader is None:
        return cell.value
    try:
        return reader(cell.value)
    except (ValueError, ArithmeticError):
        return cell.value  # legal in RDF, and nothing that Python has a value for


def _series(library: Any, name: str, values: list[Any]) -> Any:
    """A column of a polars frame: numbers of several kinds as one, else of one kind or as texts."""
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) > 1 and kinds <= {int, float, Decimal}:
        kind = float if float in kinds else Decimal
        values = [None if value is None else kind(value) for value in values]
        kinds = {kind}
    if len(kinds) < 2:
        try:
            return library.Series(name, values)
        except (TypeError, ValueError, OverflowError, library.exceptions.PolarsError):
            pass  # moments in several zones, numbers of more digits than it holds
    return library.Series(
        name, [None if value is None else str(value) for value in values], dtype=library.String
    )


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise WrongUsage(
            f"{name} is not installed", fix=f"pip install 'coprod-kg[{name}]'"
        ) from None
