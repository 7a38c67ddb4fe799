"""Conversion of identified rows to statements and findings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.terms import literal
from coprod_kg.validation.report import Severity
from coprod_kg.workbook.cells import convert, parts, refusal, text_and_language
from coprod_kg.workbook.columns import LABEL, ColumnKind, SheetColumn
from coprod_kg.workbook.entries import RowEntry
from coprod_kg.workbook.findings import CellFinding, CellProblem, Positions, SheetPlaces
from coprod_kg.workbook.grid import GridCell
from coprod_kg.workbook.headers import HeadedGrid
from coprod_kg.workbook.references import Register, Thing
from coprod_kg.workbook.words import language_of

__all__ = ["RowStatements", "row_statements"]

_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_LABEL: Final = ox.NamedNode(LABEL)
_ROWS_LOOKED_AT: Final = 200


@dataclass
class RowStatements:
    """The statements and findings of the rows.

    Attributes:
        triples: the statements.
        findings: what is wrong in the cells.
        rows: thing → number of its sheet, its row, and the property that named it.
        reported: pairs of thing and property of the findings of severity violation.
        language: the language of the lists.
    """

    triples: list[ox.Triple] = field(default_factory=list)
    findings: list[CellFinding] = field(default_factory=list)
    rows: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    reported: set[tuple[str, str]] = field(default_factory=set)
    language: str = "en"

    def positions(self, sheets: Sequence[HeadedGrid]) -> Positions:
        """Where each statement came from."""
        return Positions(
            tuple(
                SheetPlaces(
                    sheet.grid.name,
                    {
                        column.path: (sheet.headers[number], number)
                        for number, column in sheet.columns.items()
                        if column.path
                    },
                    frozenset(column.path for column in sheet.absent if column.path),
                )
                for sheet in sheets
            ),
            self.rows,
            frozenset(self.reported),
            self.language,
        )


def row_statements(
    sheets: Sequence[HeadedGrid], entries: Sequence[RowEntry], register: Register, language: str
) -> RowStatements:
    """Turn every row into statements.

    Args:
        sheets: the sheets that were read.
        entries: their rows with their things.
        register: what the rows may refer to.
        language: the language of the texts, where a row says none.
    """
    converter = _RowConverter(sheets, register, language)
    for entry in entries:
        converter.add_row(entry)
    converter.describe_named()
    return converter.result


class _RowConverter:
    def __init__(self, sheets: Sequence[HeadedGrid], register: Register, language: str) -> None:
        self._list_language = _labels_language(sheets)
        self.result = RowStatements(language=self._list_language)
        self._sheets, self._register, self._language = sheets, register, language
        self._named_things: dict[Thing, tuple[str, tuple[int, int, str]]] = {}
        self._described: set[str] = set()

    def add_row(self, entry: RowEntry) -> None:
        """Add the statements and findings of one row."""
        headed = self._sheets[entry.sheet]
        iri = self._register.iri(entry.thing)
        self._described.add(iri)
        self.result.rows.setdefault(iri, (entry.sheet, entry.row.number, ""))
        subject = ox.NamedNode(iri)
        for type_iri in headed.sheet.types:
            self.result.triples.append(ox.Triple(subject, _TYPE, ox.NamedNode(type_iri)))
        language = self._row_language(entry, headed)
        terms_by_path: dict[str, list[Any]] = {}
        for number, cell in sorted(entry.row.cells.items()):
            column = headed.columns.get(number)
            if column is None or column.path is None:
                continue
            terms_by_path[column.path] = self._terms(cell, number, entry, language)
        for path, terms in terms_by_path.items():
            self._state(subject, path, terms, headed)
        self._add_name(subject, entry, headed, terms_by_path)

    def describe_named(self) -> None:
        """Describe the resources that were only named in a cell and need no row of their own."""
        for thing, (name, position) in self._named_things.items():
            iri = self._register.iri(thing)
            if iri in self._described:
                continue
            text, tag = text_and_language(name, self._language)
            self.result.rows[iri] = position
            for type_iri in self._register.sheets.of_kind(thing.kind).types:
                self.result.triples.append(
                    ox.Triple(ox.NamedNode(iri), _TYPE, ox.NamedNode(type_iri))
                )
            self.result.triples.append(
                ox.Triple(ox.NamedNode(iri), _LABEL, literal(text, language=tag))
            )

    def _state(
        self, subject: ox.NamedNode, path: str, terms: list[Any], headed: HeadedGrid
    ) -> None:
        for term in terms:
            self.result.triples.append(ox.Triple(subject, ox.NamedNode(path), term))
        if terms and path in headed.sheet.also:
            additional_type = ox.NamedNode(headed.sheet.also[path])
            self.result.triples.append(ox.Triple(subject, _TYPE, additional_type))

    def _terms(self, cell: GridCell, number: int, entry: RowEntry, language: str) -> list[Any]:
        column = self._sheets[entry.sheet].columns[number]
        if column.holds is ColumnKind.THING:
            terms, problems = self._things(cell, column, entry)
        else:
            terms, problems = convert(cell, column, language)
        for problem in problems:
            self._report(problem, cell, number, entry)
        return terms

    def _things(
        self, cell: GridCell, column: SheetColumn, entry: RowEntry
    ) -> tuple[list[Any], list[CellProblem]]:
        refusal_problem = refusal(cell)
        if refusal_problem:
            return [], [refusal_problem]
        terms: list[Any] = []
        problems: list[CellProblem] = []
        for text in parts(cell.text, lambda part: self._register.finds(part, column.kinds)):
            thing, problem = self._register.resolve(text, column)
            problems += [problem] if problem else []
            if thing is None:
                continue
            terms.append(ox.NamedNode(self._register.iri(thing)))
            if self._register.sheets.of_kind(thing.kind).open and "/" not in text:
                position = (entry.sheet, entry.row.number, column.path or "")
                self._named_things.setdefault(thing, (text, position))
        if len(terms) > 1 and not column.many:
            return [], [CellProblem("too-many-values", {"column": column.header.lower()})]
        return list(dict.fromkeys(terms)), problems

    def _add_name(
        self,
        subject: ox.NamedNode,
        entry: RowEntry,
        headed: HeadedGrid,
        terms_by_path: dict[str, list[Any]],
    ) -> None:
        """Make a name for a claim without one; report any other resource without one."""
        labels = terms_by_path.get(LABEL, [])
        if labels:
            return
        if not headed.sheet.named:
            label = literal(self._claim_name(headed, terms_by_path), language="en")
            self.result.triples.append(ox.Triple(subject, _LABEL, label))
        elif (subject.value, LABEL) not in self.result.reported:
            number = next(
                (
                    column_number
                    for column_number, column in headed.columns.items()
                    if column.path == LABEL
                ),
                None,
            )
            if number is not None:
                problem = CellProblem("missing-name", {"row": headed.sheet.singular})
                self._report(problem, None, number, entry)

    def _claim_name(self, headed: HeadedGrid, terms_by_path: dict[str, list[Any]]) -> str:
        """A name such as ``Barrier: Lack of time (Memory café)``."""
        about_path, *other_paths = headed.sheet.key
        column = next(
            (
                candidate
                for candidate in headed.columns.values()
                if candidate.path == other_paths[0]
            ),
            None,
        )
        choices = column.choices.members if column and column.choices else ()
        labels = [
            choice.label("en")
            for term in terms_by_path.get(other_paths[0], [])
            for choice in choices
            if choice.iri == term.value
        ]
        about = [self._name_of(term.value) for term in terms_by_path.get(about_path, [])]
        described = f"{column.header}: {', '.join(labels)}" if column and labels else ""
        title = headed.sheet.singular[:1].upper() + headed.sheet.singular[1:]
        return (described or title) + (f" ({about[0]})" if about else "")

    def _name_of(self, iri: str) -> str:
        kind, _, name = iri.removeprefix(f"{self._register.base_iri}id/").partition("/")
        return self._register.name_of(Thing(kind, name)) or name

    def _row_language(self, entry: RowEntry, headed: HeadedGrid) -> str:
        for number, column in headed.columns.items():
            cell = entry.row.cells.get(number)
            if column.holds is not ColumnKind.LANGUAGE or cell is None:
                continue
            tag = language_of(cell.text)
            if tag:
                return tag
            problem = CellProblem("bad-text.language", {"value": cell.text.strip()[:40]})
            self._report(problem, cell, number, entry)
        return self._language

    def _report(
        self, problem: CellProblem, cell: GridCell | None, number: int, entry: RowEntry
    ) -> None:
        headed = self._sheets[entry.sheet]
        path, iri = headed.columns[number].path, self._register.iri(entry.thing)
        place, value = headed.place(entry.row.number, number), cell.text[:200] if cell else None
        self.result.findings.append(CellFinding(problem, place, value, iri, path))
        if problem.severity is Severity.VIOLATION and path:
            self.result.reported.add((iri, path))


def _labels_language(sheets: Sequence[HeadedGrid]) -> str:
    """The language of the lists that the sender chose from: that of most labels in the cells."""
    used: Counter[str] = Counter(en=0)
    for headed in sheets:
        chosen = [
            (number, column.choices) for number, column in headed.columns.items() if column.choices
        ]
        for row in islice(headed.data(), _ROWS_LOOKED_AT):
            for number, choices in chosen:
                cell = row.cells.get(number)
                text = cell.text.strip() if cell else ""
                for choice in choices.find(text) if text else ():
                    used.update(tag for tag, label in choice.labels.items() if label == text)
    return max(used, key=lambda tag: (used[tag], tag == "en"))
