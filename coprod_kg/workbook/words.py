"""Words that people write for "no value" and for languages, from ``words.toml``."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand
from coprod_kg.validation.report import Finding, Severity
from coprod_kg.workbook.columns import ColumnKind, SheetColumn
from coprod_kg.workbook.concepts import plain
from coprod_kg.workbook.findings import CellFinding, CellProblem
from coprod_kg.workbook.grid import CellKind, GridCell, Row
from coprod_kg.workbook.headers import HeadedGrid

__all__ = [
    "empty_names",
    "is_placeholder",
    "language_name",
    "language_of",
    "languages",
    "without_placeholders",
]


_TAG: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")

_NOT_CHECKED: Final = frozenset({ColumnKind.YES_OR_NO})

_SHAPE: Final = expand("cps:ProperName")
_NAMES: Final = frozenset(map(expand, ("rdfs:label", "skos:prefLabel", "foaf:name")))


def is_placeholder(text: str) -> bool:
    """Whether a text only says that there is no value.

    >>> is_placeholder("N/A"), is_placeholder(" ? "), is_placeholder("Naestved")
    (True, True, False)
    """
    if not any(character.isalnum() for character in text):
        return bool(text.strip())
    return plain(text) in _placeholders()


def languages() -> tuple[str, ...]:
    """The tags of the languages that the template offers."""
    return tuple(_catalogue()["languages"])


def language_name(tag: str) -> str:
    """The English name of a language of the template, else its tag."""
    names: list[str] = _catalogue()["languages"].get(tag, [tag])
    return names[0]


def language_of(text: str) -> str | None:
    """The tag of a language by its tag, with or without a country, or by its name.

    >>> language_of("Danish"), language_of("da-DK"), language_of("pt-BR"), language_of("Runes")
    ('da', 'da', 'pt-br', None)
    """
    tags = _languages()
    for name in (text, text.partition("(")[0], text.partition("/")[0]):
        if plain(name) in tags:
            return tags[plain(name)]
    tag = text.strip().lower().replace("_", "-")
    first = tag.partition("-")[0]
    if not _TAG.fullmatch(tag):
        return None
    return tags.get(first, tag)


@cache
def _catalogue() -> dict[str, Any]:
    path = Path(__file__).with_name("words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _placeholders() -> frozenset[str]:
    by_language: dict[str, list[str]] = _catalogue()["placeholders"]
    return frozenset(plain(word) for words in by_language.values() for word in words)


@cache
def _languages() -> dict[str, str]:
    by_language: dict[str, list[str]] = _catalogue()["languages"]
    return {plain(name): tag for tag, names in by_language.items() for name in (tag, *names)}


def without_placeholders(headed: HeadedGrid) -> tuple[HeadedGrid, list[CellFinding]]:
    """The sheet without the cells that hold N/A, ?, unbekannt and their kind.

    Each word is reported once a column, at its first cell.
    """
    first_row: dict[tuple[int, str], int] = {}
    counts: Counter[tuple[int, str]] = Counter()
    rows: list[Row] = []
    for row in headed.grid.rows:
        empty = [
            (number, cell.text.strip())
            for number, cell in row.cells.items()
            if row.number > headed.row and _says_nothing(cell, headed.columns.get(number))
        ]
        for key in empty:
            counts[key] += 1
            first_row.setdefault(key, row.number)
        emptied = {number for number, _ in empty}
        cells = {number: cell for number, cell in row.cells.items() if number not in emptied}
        if cells:
            rows.append(row if not emptied else Row(row.number, cells))
    if not counts:
        return headed, []
    cleaned = replace(headed, grid=replace(headed.grid, rows=tuple(rows)))
    return cleaned, [
        _placeholder_finding(headed, *key, row, counts[key]) for key, row in first_row.items()
    ]


def _says_nothing(cell: GridCell, column: SheetColumn | None) -> bool:
    if cell.kind is not CellKind.TEXT or column is None or column.holds in _NOT_CHECKED:
        return False
    if column.choices and column.choices.is_proper(cell.text):
        return False  # "Unknown" is a value where the list has it
    if column.holds is ColumnKind.LANGUAGE and language_of(cell.text):
        return False  # "nn" is Nynorsk
    return is_placeholder(cell.text)


def _placeholder_finding(
    headed: HeadedGrid, number: int, text: str, row: int, count: int
) -> CellFinding:
    key = "placeholder.several" if count > 1 else "placeholder"
    problem = CellProblem(key, {"value": text[:40], "count": count - 1}, severity=Severity.INFO)
    place = headed.place(row, number)
    return CellFinding(problem, place, text[:200], path=headed.columns[number].path)


def empty_names(triples: Iterable[ox.Triple]) -> Iterator[Finding]:
    """Findings on names among these statements that are placeholders, such as N/A."""
    for subject, predicate, name in triples:
        if (
            predicate.value in _NAMES
            and isinstance(name, ox.Literal)
            and is_placeholder(name.value)
        ):
            yield Finding(
                severity=Severity.VIOLATION,
                focus=str(subject).strip("<>"),
                path=predicate.value,
                value=str(name),
                message="",  # the words of the shape are filled in with the place
                shape=_SHAPE,
                component=f"{_SHAPE}ConstraintComponent",
                slots=(("name", name.value[:60]),),
            )
