"""The rows of a workbook, each with the identifier of the resource that it describes.

Two passes, since rows refer to one another in any order: first the resources with names, then the
claims, whose identifiers are made from those of the resources that they are about.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from coprod_kg.model.namespaces import SLUG
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.cells import parts, refusal
from coprod_kg.workbook.columns import EXAMPLE, LABEL, ColumnKind, SheetColumn
from coprod_kg.workbook.concepts import plain
from coprod_kg.workbook.dates import day
from coprod_kg.workbook.findings import CellFinding, CellProblem
from coprod_kg.workbook.grid import GridCell, Row
from coprod_kg.workbook.headers import HeadedGrid
from coprod_kg.workbook.identifiers import Unnamed, mint, scoped, slug
from coprod_kg.workbook.references import Register, Thing

__all__ = ["RowEntry", "identified"]

_RUN_BY: Final = "https://w3id.org/coprod/ontology#runBy"
_OTHER_NAMES: Final = "http://www.w3.org/2004/02/skos/core#altLabel"
_EXAMPLES: Final = frozenset({plain(EXAMPLE), "eksempel", "beispiel"})


@dataclass(frozen=True, slots=True)
class RowEntry:
    """One row with its thing.

    Attributes:
        sheet: number of its sheet among those read.
        row: the row.
        thing: the thing that it describes.
    """

    sheet: int
    row: Row
    thing: Thing


def identified(
    sheets: Sequence[HeadedGrid], register: Register, stated: str | None
) -> tuple[list[RowEntry], list[CellFinding]]:
    """Give every row its identifier, and register it under its names.

    Args:
        sheets: the sheets that were read.
        register: where things are registered; its scope is set here.
        stated: the organisation whose workbook it is, where that was stated.
    """
    findings: list[CellFinding] = []
    entries: list[RowEntry] = []
    readers = [
        _Reader(number, headed, register, findings, stated=bool(stated))
        for number, headed in enumerate(sheets)
    ]
    organisation_readers = [candidate for candidate in readers if candidate.kind == "organisation"]
    for reader in organisation_readers:
        entries += reader.entries()
    register.scope = stated or _leading(readers, entries, register)
    other_readers = [candidate for candidate in readers if candidate not in organisation_readers]
    for reader in sorted(other_readers, key=lambda reader: not reader.headed.sheet.named):
        entries += reader.entries()
    return sorted(entries, key=lambda entry: (entry.sheet, entry.row.number)), findings


def _leading(readers: Sequence["_Reader"], entries: Sequence[RowEntry], register: Register) -> str:
    """The organisation that runs every initiative, else the only one, else the first by name."""
    initiatives = (reader for reader in readers if reader.kind == "initiative")
    runners = [reader.runners(row) for reader in initiatives for row in reader.rows()]
    runners = [runner for runner in runners if runner]
    leads: set[str] = reduce(set.intersection, runners) if runners else set()
    slugs = {entry.thing.slug for entry in entries}
    return min(leads or slugs, default="")


class _Reader:
    """Reader of one sheet: its rows, and the columns that identify each."""

    def __init__(
        self,
        number: int,
        headed: HeadedGrid,
        register: Register,
        findings: list[CellFinding],
        *,
        stated: bool,
    ) -> None:
        self.headed, self.kind = headed, headed.sheet.kind
        self._number, self._register, self._findings = number, register, findings
        self._stated = stated
        by_path = {column.path: column_number for column_number, column in headed.columns.items()}
        self._identifier = by_path.get(None)
        for column_number, column in headed.columns.items():
            if column.holds is ColumnKind.IDENTIFIER:
                self._identifier = column_number
        self._by_path = by_path

    def column(self, path: str) -> int | None:
        """The number of the column of a property."""
        return self._by_path.get(path)

    def rows(self) -> Iterator[Row]:
        """The rows with data: not the example."""
        for row in self.headed.data():
            if not any(number in self.headed.columns for number in row.cells):
                continue
            if not self._is_example(row):
                yield row

    def entries(self) -> list[RowEntry]:
        """Every row with its thing; registers the things, and reports problems of identifiers."""
        rows = list(self.rows())
        self._report_changed_examples()
        sender_identifiers = self._sender_identifiers(rows)
        unnamed = {
            row.number: self._unnamed(row) for row in rows if row.number not in sender_identifiers
        }
        minted = mint(unnamed, frozenset(sender_identifiers.values()))
        self._report_repeated(minted, unnamed)
        entries = []
        for row in rows:
            thing = Thing(self.kind, sender_identifiers.get(row.number) or minted[row.number])
            self._register.add(thing, self._names(row))
            entries.append(RowEntry(self._number, row, thing))
        return entries

    def _sender_identifiers(self, rows: Iterable[Row]) -> dict[int, str]:
        """The identifiers that the sender chose; of a repeated one the first row keeps it."""
        identifiers: dict[int, str] = {}
        first_rows: dict[str, int] = {}
        for row in rows:
            cell = row.cells.get(self._identifier or 0)
            if cell is None:
                continue
            stem = f"{self._register.base_iri}id/{self.kind}/"
            text = cell.text.strip().strip("<>").removeprefix(stem).removeprefix(f"id/{self.kind}/")
            text = text.removeprefix(f"{self.kind}/")
            if not SLUG.fullmatch(text):
                self._report_bad_identifier(row, cell)
            elif text in first_rows:
                problem = CellProblem(
                    "repeated-identifier", {"value": text, "row": first_rows[text]}
                )
                self._report(problem, row, self._identifier)
            else:
                first_rows[text] = row.number
                identifiers[row.number] = text
        return identifiers

    def _report_bad_identifier(self, row: Row, cell: GridCell) -> None:
        problem = refusal(cell) or CellProblem(
            "bad-identifier", {"value": cell.text.strip()[:60], "slug": slug(cell.text)}
        )
        self._report(problem, row, self._identifier)

    def _unnamed(self, row: Row) -> Unnamed:
        """A row without an identifier, with the texts from which `mint` makes one."""
        content = "\n".join(
            sorted(
                f"{self.headed.columns[number].path}\t{plain(cell.text)}"
                for number, cell in row.cells.items()
                if number in self.headed.columns
            )
        )
        name = plain(self._text(row, LABEL)) if self.headed.sheet.named else ""
        key = [self._key_part(row, path) for path in self.headed.sheet.key]
        # The key of a claim begins with the identifier of its subject, which has the scope already.
        unscoped = self.kind == "organisation" or not self.headed.sheet.named
        base = scoped("" if unscoped else self._scope(row), *key)
        return Unnamed(base or slug(content), name, content)

    def runners(self, row: Row) -> set[str]:
        """The organisations that run the initiative of a row."""
        number = self.column(_RUN_BY) if self.kind == "initiative" else None
        cell = row.cells.get(number or 0)
        if number is None or cell is None:
            return set()
        column = self.headed.columns[number]
        texts = parts(cell.text, lambda text: self._register.finds(text, ("organisation",)))
        things = (self._register.resolve(text, column)[0] for text in texts)
        return {thing.slug for thing in things if thing}

    def _scope(self, row: Row) -> str:
        """The organisation whose name goes before that of a row: the stated one, or who runs it.

        It rests on the row alone, not on what else stands in the file; else the next year's file
        would give the same row another name.
        """
        runners = set() if self._stated else self.runners(row)
        scope = self._register.scope
        return scope if scope in runners else min(runners, default=scope)

    def _key_part(self, row: Row, path: str) -> str:
        """The part of an identifier that comes from one key column."""
        number = self.column(path)
        cell = row.cells.get(number or 0)
        if number is None or cell is None:
            return ""
        column = self.headed.columns[number]
        if column.holds is ColumnKind.CHOICE and column.choices:
            texts = parts(
                cell.text, lambda text: bool(column.choices and column.choices.find(text))
            )
            choices = [choice for text in texts for choice in column.choices.find(text)]
            return "-".join(sorted(slug(choice.slug) for choice in choices))
        if column.holds is ColumnKind.THING:
            thing, _ = self._register.resolve(cell.text, column)
            scope = f"{self._register.scope}-"
            return (
                thing.slug
                if thing and path == self.headed.sheet.key[0]
                else (thing.slug.removeprefix(scope) if thing else "")
            )
        if column.holds is ColumnKind.DATE:
            term = day(cell)
            return "" if isinstance(term, CellProblem) else term.value
        return slug(cell.text)

    def _report_repeated(self, minted: dict[int, str], unnamed: dict[int, Unnamed]) -> None:
        """Report rows with the same content, and names that two rows share."""
        rows = {row.number: row for row in self.headed.data()}
        first_rows: dict[str, int] = {}
        names: dict[str, int] = {}
        for number, identifier in minted.items():
            name = unnamed[number].name
            if identifier in first_rows:
                slots = {"row": first_rows[identifier]}
                problem = CellProblem("repeated-row", slots, severity=Severity.WARNING)
                self._report(problem, rows[number], None)
            elif name and name in names:
                problem = CellProblem("ambiguous-name", {"row": names[name]})
                self._report(problem, rows[number], self.column(LABEL))
            first_rows.setdefault(identifier, number)
            names.setdefault(name, number)

    def _names(self, row: Row) -> list[str]:
        other_names = self._text(row, _OTHER_NAMES)
        return [name for name in (self._text(row, LABEL), *other_names.split(";")) if name.strip()]

    def _text(self, row: Row, path: str) -> str:
        cell = row.cells.get(self.column(path) or 0)
        return cell.text if cell else ""

    def _is_example(self, row: Row) -> bool:
        cell = row.cells.get(self._identifier or 0)
        return cell is not None and plain(cell.text) in _EXAMPLES

    def _report_changed_examples(self) -> None:
        """Report a row that is marked as the example and was changed."""
        example = self.headed.sheet.example
        for row in self.headed.data():
            if not self._is_example(row):
                continue
            for number, column in self.headed.columns.items():
                cell = row.cells.get(number)
                if cell and _is_changed(cell, column, example.get(column.path or "", "")):
                    self._report(CellProblem("example-changed", {"example": EXAMPLE}), row, number)
                    break

    def _report(self, problem: CellProblem, row: Row, column: int | None) -> None:
        cell = row.cells.get(column or 0)
        known_column = self.headed.columns.get(column or 0)
        place = self.headed.place(row.number, column or min(row.cells))
        value = cell.text[:200] if cell else None
        self._findings.append(
            CellFinding(problem, place, value, path=known_column.path if known_column else None)
        )


def _is_changed(cell: GridCell, column: SheetColumn, example: str) -> bool:
    return column.holds is ColumnKind.TEXT and plain(cell.text) != plain(example)
