"""An answer as Python values, a frame, a table or a chart; it never asks for anything itself."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.results.table import Cell, Table

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["Chart", "Citation", "Result", "html_table", "python_rows"]

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


@dataclass(frozen=True, slots=True)
class Citation:
    """What says which answer this was.

    Attributes:
        text: one sentence.
        bibtex: the same for a bibliography.
    """

    text: str
    bibtex: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Result:
    """An answer.

    Attributes:
        columns: the names of the columns, in order.
        rows: one dictionary a row; an unbound value is None.
        version: the dataset version that answered.
        citation: what to write beside numbers that come from here.
        truth: the answer of an ASK, else None.
        text: the Turtle of a CONSTRUCT or DESCRIBE, else empty.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    version: int
    citation: Citation
    truth: bool | None = None
    text: str = ""
    _draw: Callable[[], bytes] | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def to_pandas(self) -> "pandas.DataFrame":
        """The rows as a pandas frame.

        Raises:
            WrongUsage: pandas is not installed.
        """
        frame: pandas.DataFrame = _library("pandas").DataFrame(self.rows, columns=self.columns)
        return frame

    def to_polars(self) -> "polars.DataFrame":
        """The rows as a polars frame.

        Raises:
            WrongUsage: polars is not installed.
        """
        frame: polars.DataFrame = _library("polars").DataFrame(
            self.rows, schema=list(self.columns), infer_schema_length=None, strict=False
        )
        return frame

    def to_csv(self, path: str | Path) -> None:
        """Write the rows to a file."""
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)

    def chart(self) -> Chart:
        """The chart that belongs to the saved query.

        Raises:
            NotFound: it has none.
        """
        if self._draw is None:
            raise NotFound("this answer has no chart", fix="Take a frame: .to_pandas()")
        return Chart(self._draw().decode())

    def _repr_html_(self) -> str:
        if self.truth is not None or self.text:
            return f"<pre>{escape(self.text or str(self.truth).lower())}</pre>"
        shown = [[row[name] for name in self.columns] for row in self.rows[:_SHOWN]]
        count = len(self.rows)
        part = f", the first {_SHOWN} of them shown" if count > _SHOWN else ""
        rows = "1 row" if count == 1 else f"{count} rows"
        return f"{html_table(self.columns, shown)}<p>{rows}{part}; version {self.version}</p>"


def html_table(columns: tuple[str, ...], rows: list[list[Any]]) -> str:
    """A table as HTML, with every cell escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def python_rows(table: Table) -> list[dict[str, Any]]:
    """The rows of an answer with Python values."""
    return [
        {name: _value(row[name]) if name in row else None for name in table.columns}
        for row in table.rows
    ]


def _value(cell: Cell) -> object:
    kind = cell.datatype or ""
    read = _READERS.get(kind.removeprefix(_XSD)) if kind.startswith(_XSD) else None
    if read is None:
        return cell.value
    try:
        return read(cell.value)
    except (ValueError, ArithmeticError):
        return cell.value  # legal in RDF, and nothing that Python has a value for


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise WrongUsage(
            f"{name} is not installed", fix=f"pip install 'coprod-kg[{name}]'"
        ) from None
