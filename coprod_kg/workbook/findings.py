"""Findings on cells of a spreadsheet, and where statements came from, as plain values.

A finding here is about a spreadsheet: it names sheet, row, column and cell, as the person who
filled it in sees them. Findings of the shapes are `coprod_kg.validation.report.Finding`, which
`Positions` locates in their cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

import pyoxigraph as ox

from coprod_kg.validation.report import Finding, Severity, Spot
from coprod_kg.workbook.sentences import Slot, fault_and_advice, sentence, slot_text

__all__ = ["CellFinding", "CellProblem", "Fault", "Place", "Positions", "SheetPlaces", "letters"]

_CPS = "https://w3id.org/coprod/shapes#"


class Fault(StrEnum):
    """The kind of a fault, by the same word in every report."""

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

    @property
    def spot(self) -> Spot:
        """The same as a report holds it."""
        return Spot(self.sheet, self.row, self.column, self.cell)


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong with a cell, and what to do, in any language.

    Attributes:
        key: the kind of fault and, behind a full stop, which of its cases, as in
            ``sentences.toml``.
        slots: what is filled in.
        advice: key of the sentence that says what to do, where that is not always the same.
        permitted: the values that may stand there, where they are few.
        severity: how much it weighs.
        language: the language of its texts.
    """

    key: str
    slots: Mapping[str, Slot] = field(default_factory=dict)
    advice: str = ""
    permitted: tuple[Slot, ...] = ()
    severity: Severity = Severity.VIOLATION
    language: str = "en"

    @property
    def fault(self) -> Fault:
        """The kind of fault."""
        return Fault(self.key.partition(".")[0])

    @property
    def message(self) -> str:
        """What was expected and what arrived."""
        return fault_and_advice(self.key, self.language, self.slots)[0]

    @property
    def fix(self) -> str:
        """What to do."""
        if self.advice:
            return sentence(self.advice, self.language, **self.slots)
        return fault_and_advice(self.key, self.language, self.slots)[1]


@dataclass(frozen=True, slots=True)
class CellFinding:
    """One thing that is wrong in one place of a table.

    Attributes:
        problem: what is wrong.
        place: where it stands.
        value: what stands there, or None.
        subject: IRI of the thing that the row is about, where it has one.
        path: IRI of the property that the column says.
    """

    problem: CellProblem
    place: Place
    value: str | None = None
    subject: str | None = None
    path: str | None = None

    @property
    def fault(self) -> Fault:
        """The kind of fault."""
        return self.problem.fault

    @property
    def severity(self) -> Severity:
        """How much it weighs."""
        return self.problem.severity

    @property
    def message(self) -> str:
        """What was expected and what arrived."""
        return self.problem.message

    @property
    def fix(self) -> str:
        """What to do."""
        return self.problem.fix

    @property
    def permitted(self) -> tuple[str, ...]:
        """The values that may stand there, where they are few."""
        return tuple(slot_text(value, self.problem.language) for value in self.problem.permitted)

    def in_language(self, language: str) -> "CellFinding":
        """The finding in a language."""
        return replace(self, problem=replace(self.problem, language=language))

    def finding(self, base_iri: str) -> Finding:
        """The finding of a report on statements; the value as a Turtle string."""
        problem, place = self.problem, self.place
        return Finding(
            severity=problem.severity,
            focus=self.subject or f"{base_iri}id/",
            path=self.path,
            value=None if self.value is None else str(ox.Literal(self.value)),
            message=problem.message,
            shape=f"{_CPS}Table-{problem.fault}",
            component=f"{_CPS}TableConstraintComponent",
            spot=place.spot,
            fix=problem.fix,
            permitted=self.permitted,
            language=problem.language,
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
        reported: pairs of thing and property that a `CellFinding` of severity violation is about:
            a value that the shapes miss there is a consequence of it.
        language: the language of the lists in the workbook, in which its findings are written.
    """

    sheets: tuple[SheetPlaces, ...] = ()
    rows: Mapping[str, tuple[int, int, str]] = field(default_factory=dict)
    reported: frozenset[tuple[str, str]] = frozenset()
    language: str = "en"

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

    def is_reported(self, subject: str, path: str | None) -> bool:
        """Whether a finding of the shapes on this property only follows from a cell finding."""
        if path is None or subject not in self.rows:
            return False
        return (subject, path) in self.reported or path in self.sheets[self.rows[subject][0]].absent

    def as_dict(self) -> dict[str, Any]:
        """The positions as JSON can hold them."""
        return {
            "sheets": [
                {"name": sheet.name, "columns": dict(sheet.columns), "absent": sorted(sheet.absent)}
                for sheet in self.sheets
            ],
            "rows": dict(self.rows),
            "told": sorted(self.reported),
            "language": self.language,
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
            reported=frozenset((pair[0], pair[1]) for pair in table["told"]),
            language=table["language"],
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
