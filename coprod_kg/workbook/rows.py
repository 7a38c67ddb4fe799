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
from coprod_kg.workbook.columns import LABEL, Holds, SheetColumn
from coprod_kg.workbook.entries import RowEntry
from coprod_kg.workbook.findings import CellFinding, CellProblem, Positions, SheetPlaces
from coprod_kg.workbook.grid import GridCell
from coprod_kg.workbook.headers import HeadedGrid
from coprod_kg.workbook.references import Register, Thing
from coprod_kg.workbook.words import language_of

__all__ = ["RowStatements", "stated"]

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
        told: pairs of thing and property of the findings that refuse.
        language: the language of the lists.
    """

    triples: list[ox.Triple] = field(default_factory=list)
    findings: list[CellFinding] = field(default_factory=list)
    rows: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)
    language: str = "en"

    def positions(self, sheets: Sequence[HeadedGrid]) -> Positions:
        """Where each statement came from."""
        return Positions(
            tuple(
                SheetPlaces(
                    sheet.grid.name,
                    {
                        column.path: (sheet.headers[at], at)
                        for at, column in sheet.columns.items()
                        if column.path
                    },
                    frozenset(column.path for column in sheet.absent if column.path),
                )
                for sheet in sheets
            ),
            self.rows,
            frozenset(self.told),
            self.language,
        )


def stated(
    sheets: Sequence[HeadedGrid], entries: Sequence[RowEntry], register: Register, language: str
) -> RowStatements:
    """Turn every row into statements.

    Args:
        sheets: the sheets that were read.
        entries: their rows with their things.
        register: what the rows may refer to.
        language: the language of the texts, where a row says none.
    """
    teller = _Teller(sheets, register, language)
    for entry in entries:
        teller.tell(entry)
    teller.take_up()
    return teller.made


class _Teller:
    def __init__(self, sheets: Sequence[HeadedGrid], register: Register, language: str) -> None:
        self._labels = _labels_language(sheets)
        self.made = RowStatements(language=self._labels)
        self._sheets, self._register, self._language = sheets, register, language
        self._taken_up: dict[Thing, tuple[str, tuple[int, int, str]]] = {}
        self._own: set[str] = set()

    def tell(self, entry: RowEntry) -> None:
        """Add the statements and findings of one row."""
        headed = self._sheets[entry.sheet]
        iri = self._register.iri(entry.thing)
        self._own.add(iri)
        self.made.rows.setdefault(iri, (entry.sheet, entry.row.number, ""))
        subject = ox.NamedNode(iri)
        for type_iri in headed.sheet.types:
            self.made.triples.append(ox.Triple(subject, _TYPE, ox.NamedNode(type_iri)))
        language = self._row_language(entry, headed)
        said: dict[str, list[Any]] = {}
        for number, cell in sorted(entry.row.cells.items()):
            column = headed.columns.get(number)
            if column is None or column.path is None:
                continue
            said[column.path] = self._terms(cell, number, entry, language)
        for path, terms in said.items():
            self._state(subject, path, terms, headed)
        self._name(subject, entry, headed, said)

    def take_up(self) -> None:
        """Describe the resources that were only named in a cell and need no row of their own."""
        for thing, (name, position) in self._taken_up.items():
            iri = self._register.iri(thing)
            if iri in self._own:
                continue
            text, tag = text_and_language(name, self._language)
            self.made.rows[iri] = position
            for type_iri in self._register.sheets.of_kind(thing.kind).types:
                self.made.triples.append(
                    ox.Triple(ox.NamedNode(iri), _TYPE, ox.NamedNode(type_iri))
                )
            self.made.triples.append(
                ox.Triple(ox.NamedNode(iri), _LABEL, literal(text, language=tag))
            )

    def _state(
        self, subject: ox.NamedNode, path: str, terms: list[Any], headed: HeadedGrid
    ) -> None:
        for term in terms:
            self.made.triples.append(ox.Triple(subject, ox.NamedNode(path), term))
        if terms and path in headed.sheet.also:
            also = ox.NamedNode(headed.sheet.also[path])
            self.made.triples.append(ox.Triple(subject, _TYPE, also))

    def _terms(self, cell: GridCell, number: int, entry: RowEntry, language: str) -> list[Any]:
        column = self._sheets[entry.sheet].columns[number]
        if column.holds is Holds.THING:
            terms, told = self._things(cell, column, entry)
        else:
            terms, told = convert(cell, column, language)
        for problem in told:
            self._find(problem, cell, number, entry)
        return terms

    def _things(
        self, cell: GridCell, column: SheetColumn, entry: RowEntry
    ) -> tuple[list[Any], list[CellProblem]]:
        refused = refusal(cell)
        if refused:
            return [], [refused]
        terms: list[Any] = []
        told: list[CellProblem] = []
        for text in parts(cell.text, lambda one: self._register.finds(one, column.kinds)):
            thing, why = self._register.resolve(text, column)
            told += [why] if why else []
            if thing is None:
                continue
            terms.append(ox.NamedNode(self._register.iri(thing)))
            if self._register.sheets.of_kind(thing.kind).open and "/" not in text:
                at = (entry.sheet, entry.row.number, column.path or "")
                self._taken_up.setdefault(thing, (text, at))
        if len(terms) > 1 and not column.many:
            return [], [CellProblem("too-many-values", {"column": column.header.lower()})]
        return list(dict.fromkeys(terms)), told

    def _name(
        self, subject: ox.NamedNode, entry: RowEntry, headed: HeadedGrid, said: dict[str, list[Any]]
    ) -> None:
        """Make a name for a claim without one; report any other resource without one."""
        labels = said.get(LABEL, [])
        if labels:
            return
        if not headed.sheet.named:
            label = literal(self._made_name(headed, said), language="en")
            self.made.triples.append(ox.Triple(subject, _LABEL, label))
        elif (subject.value, LABEL) not in self.made.told:
            number = next(
                (at for at, column in headed.columns.items() if column.path == LABEL), None
            )
            if number is not None:
                problem = CellProblem("missing-name", {"row": headed.sheet.one})
                self._find(problem, None, number, entry)

    def _made_name(self, headed: HeadedGrid, said: dict[str, list[Any]]) -> str:
        """A name such as ``Barrier: Lack of time (Memory café)``."""
        first, *others = headed.sheet.key
        column = next(
            (candidate for candidate in headed.columns.values() if candidate.path == others[0]),
            None,
        )
        choices = column.choices.members if column and column.choices else ()
        labels = [
            choice.label("en")
            for term in said.get(others[0], [])
            for choice in choices
            if choice.iri == term.value
        ]
        about = [self._name_of(term.value) for term in said.get(first, [])]
        what = f"{column.header}: {', '.join(labels)}" if column and labels else ""
        title = headed.sheet.one[:1].upper() + headed.sheet.one[1:]
        return (what or title) + (f" ({about[0]})" if about else "")

    def _name_of(self, iri: str) -> str:
        kind, _, name = iri.removeprefix(f"{self._register.base_iri}id/").partition("/")
        return self._register.name_of(Thing(kind, name)) or name

    def _row_language(self, entry: RowEntry, headed: HeadedGrid) -> str:
        for number, column in headed.columns.items():
            cell = entry.row.cells.get(number)
            if column.holds is not Holds.LANGUAGE or cell is None:
                continue
            tag = language_of(cell.text)
            if tag:
                return tag
            problem = CellProblem("bad-text.language", {"value": cell.text.strip()[:40]})
            self._find(problem, cell, number, entry)
        return self._language

    def _find(self, told: CellProblem, cell: GridCell | None, number: int, entry: RowEntry) -> None:
        headed = self._sheets[entry.sheet]
        path, iri = headed.columns[number].path, self._register.iri(entry.thing)
        place, value = headed.place(entry.row.number, number), cell.text[:200] if cell else None
        self.made.findings.append(CellFinding(told, place, value, iri, path))
        if told.severity is Severity.VIOLATION and path:
            self.made.told.add((iri, path))


def _labels_language(sheets: Sequence[HeadedGrid]) -> str:
    """The language of the lists that the sender chose from: that of most labels in the cells."""
    used: Counter[str] = Counter(en=0)
    for headed in sheets:
        chosen = [(at, column.choices) for at, column in headed.columns.items() if column.choices]
        for row in islice(headed.data(), _ROWS_LOOKED_AT):
            for at, choices in chosen:
                cell = row.cells.get(at)
                text = cell.text.strip() if cell else ""
                for choice in choices.find(text) if text else ():
                    used.update(tag for tag, label in choice.labels.items() if label == text)
    return max(used, key=lambda tag: (used[tag], tag == "en"))
