"""Findings on cells of a spreadsheet, and where statements came from, as plain values.

A finding here is about a spreadsheet: it names sheet, row, column and cell, as the person who
filled it in sees them. What the shapes say comes as `coprod_kg.validation.report.Finding`;
`Positions` gives those their cells.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from coprod_kg.validation.report import Finding, Severity

__all__ = ["CellFinding", "Fault", "Place", "Positions", "SheetPlaces", "letters"]

_CPS = "https://w3id.org/coprod/shapes#"


class Fault(StrEnum):
    """What kind of thing is wrong; the same word in every report."""

    AMBIGUOUS_NAME = "ambiguous-name"
    AMBIGUOUS_VALUE = "ambiguous-value"
    BAD_DATE = "bad-date"
    BAD_IDENTIFIER = "bad-identifier"
    BAD_LINK = "bad-link"
    BAD_NUMBER = "bad-number"
    BAD_TEXT = "bad-text"
    BAD_YES_OR_NO = "bad-yes-or-no"
    ENCODING = "encoding"
    ERROR_VALUE = "error-value"
    EXAMPLE_CHANGED = "example-changed"
    EXTERNAL_LINKS = "external-links"
    FILE_NOT_READ = "file-not-read"
    FORMULA = "formula"
    HIDDEN = "hidden"
    MERGED = "merged-cells"
    MISSING_COLUMN = "missing-column"
    MISSING_NAME = "missing-name"
    NEAR_NAME = "near-name"
    PLACEHOLDER = "placeholder"
    READ_AS = "read-as"
    REPEATED_COLUMN = "repeated-column"
    REPEATED_IDENTIFIER = "repeated-identifier"
    REPEATED_ROW = "repeated-row"
    REPEATED_SHEET = "repeated-sheet"
    TOO_MANY_COLUMNS = "too-many-columns"
    TOO_MANY_VALUES = "too-many-values"
    UNKNOWN_COLUMN = "unknown-column"
    UNKNOWN_LANGUAGE = "unknown-language"
    UNKNOWN_NAME = "unknown-name"
    UNKNOWN_SHEET = "unknown-sheet"
    UNKNOWN_VALUE = "unknown-value"
    VALUE_WITHOUT_HEADER = "value-without-header"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, as a spreadsheet program shows it.

    Attributes:
        sheet: the name of the sheet or of the CSV file.
        row: the number of the row, from 1, or None for the sheet as a whole.
        column: the header of the column, or None.
        cell: the cell (``C7``) or cells (``C7:C9``), or None.
    """

    sheet: str
    row: int | None = None
    column: str | None = None
    cell: str | None = None

    def __str__(self) -> str:
        parts = [self.sheet]
        if self.cell:
            parts.append(f"cell {self.cell}")
        elif self.row:
            parts.append(f"row {self.row}")
        return ", ".join(parts) + (f" ({self.column})" if self.column else "")


@dataclass(frozen=True, slots=True)
class CellFinding:
    """One thing that is wrong in one place of a table.

    Attributes:
        fault: what kind of thing.
        severity: how much it weighs.
        place: where it stands.
        value: what stands there, or None.
        message: what was expected and what arrived.
        fix: what to do.
        permitted: the values that may stand there, where they are few.
        subject: IRI of the thing that the row is about, where it has one.
        path: IRI of the property that the column says.
    """

    fault: Fault
    severity: Severity
    place: Place
    value: str | None
    message: str
    fix: str
    permitted: tuple[str, ...] = ()
    subject: str | None = None
    path: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The finding that `as_dict` gave."""
        return cls(
            **{
                **table,
                "fault": Fault(table["fault"]),
                "severity": Severity(table["severity"]),
                "place": Place(**table["place"]),
                "permitted": tuple(table["permitted"]),
            }
        )

    def finding(self, base_iri: str) -> Finding:
        """The same as a finding of a report on statements; the value as a Turtle string."""
        quoted = str(self.value or "").replace("\\", "\\\\").replace('"', '\\"')
        quoted = quoted.replace("\n", "\\n").replace("\r", "\\r")
        return Finding(
            severity=self.severity,
            focus=self.subject or f"{base_iri}id/",
            path=self.path,
            value=f'"{quoted}"' if self.value is not None else None,
            message=f"{self.place}: {self.message} {self.fix}".strip(),
            shape=f"{_CPS}Table-{self.fault}",
            component=f"{_CPS}TableConstraintComponent",
        )


@dataclass(frozen=True, slots=True)
class SheetPlaces:
    """The columns of one sheet that was read.

    Attributes:
        name: what the sheet or file is called.
        columns: property IRI → the header as it stands there and the column's number, from 1.
        absent: the properties whose column should be there and is not.
    """

    name: str
    columns: Mapping[str, tuple[str, int]]
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Positions:
    """Which cell a statement came from; a row is kept once, not once a statement.

    Attributes:
        sheets: the sheets that were read.
        rows: thing → number of its sheet in `sheets`, its row, and the property in whose cell
            it was named where it has no row of its own, else an empty text.
        told: pairs of thing and property about which a `CellFinding` says all there is to say:
            what the shapes find missing there is a consequence.
    """

    sheets: tuple[SheetPlaces, ...] = ()
    rows: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)
    told: frozenset[tuple[str, str]] = frozenset()

    def place(self, subject: str, path: str | None = None) -> Place | None:
        """Where a statement about a thing stands: its cell, else its row, else None."""
        if subject not in self.rows:
            return None
        number, row, named_in = self.rows[subject]
        sheet = self.sheets[number]
        column = sheet.columns.get(path or named_in) or sheet.columns.get(named_in)
        if column is None:
            return Place(sheet.name, row)
        return Place(sheet.name, row, column[0], f"{letters(column[1])}{row}")

    def is_told(self, subject: str, path: str | None) -> bool:
        """Whether a finding of the shapes about this only repeats what a cell finding says."""
        if path is None or subject not in self.rows:
            return False
        return (subject, path) in self.told or path in self.sheets[self.rows[subject][0]].absent

    def as_dict(self) -> dict[str, Any]:
        """The positions as JSON can hold them."""
        return {
            "sheets": [
                {"name": sheet.name, "columns": dict(sheet.columns), "absent": sorted(sheet.absent)}
                for sheet in self.sheets
            ],
            "rows": dict(self.rows),
            "told": sorted(self.told),
        }

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The positions that `as_dict` gave."""
        return cls(
            sheets=tuple(
                SheetPlaces(
                    sheet["name"],
                    {path: (header, number) for path, (header, number) in sheet["columns"].items()},
                    frozenset(sheet["absent"]),
                )
                for sheet in table["sheets"]
            ),
            rows={thing: (place[0], place[1], place[2]) for thing, place in table["rows"].items()},
            told=frozenset((pair[0], pair[1]) for pair in table["told"]),
        )


def letters(column: int) -> str:
    """The letters of a column.

    >>> letters(1), letters(26), letters(27), letters(16384)
    ('A', 'Z', 'AA', 'XFD')
    """
    text = ""
    while column:
        column, place = divmod(column - 1, 26)
        text = chr(65 + place) + text
    return text
