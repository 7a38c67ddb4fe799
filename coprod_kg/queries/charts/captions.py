"""Captions of a chart: titles in a language, the notes below, and the text alternative."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from coprod_kg.formats.table import Cell
from coprod_kg.queries.header import AnswerColumn
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.suppression import MARK

__all__ = ["FEW", "in_language", "notes", "text_alternative"]

FEW: Final = 5
"""A chart in which no count is as large as this says so."""

_MEASURES: Final = ("per cent", "years", "months", "days")
"""Units of what is measured; every other unit is of things that are counted."""
_SPOKEN: Final = 12
"""How many rows the description reads out."""

_TITLES: Final = ("title", "subtitle", "domain", "sort")
_EXPRESSIONS: Final = ("calculate", "filter", "test")
_WORDS: Final = re.compile(r"'([^'\\]+)'")
"""A text in an expression of Vega."""

Rows = Sequence[Mapping[str, Cell]]


def in_language(spec: Any, language: str, key: str = "") -> Any:
    """A template with its titles in a language, and the words that its expressions make and list.

    Only texts that are in the catalogue change: names of fields and marks are not in it.
    """
    if isinstance(spec, dict):
        return {name: in_language(value, language, name) for name, value in spec.items()}
    if isinstance(spec, list):
        return [in_language(value, language, key) for value in spec]
    if isinstance(spec, str) and key in _TITLES:
        return text_in(spec, language)
    if isinstance(spec, str) and key in _EXPRESSIONS:
        return _WORDS.sub(lambda match: _word(match, language), spec)
    return spec


def _word(match: re.Match[str], language: str) -> str:
    """A text of an expression in a language; one in a list is a name that is looked for."""
    in_list = match.string[: match.start()].rstrip()[-1:] in ("[", ",")
    return match[0] if in_list else f"'{text_in(match[1], language)}'"


def notes(query: SavedQuery, rows: Rows, withheld: int, language: str = "") -> list[str]:
    """The notes below the title of a chart: how much there is, and what is left out.

    Args:
        query: whose rows they are.
        rows: those that are drawn.
        withheld: how many of them have a count that is withheld.
        language: the reader's; empty for English.
    """
    return [*_few_notes(query, rows, language), *_withheld_notes(withheld, language)]


def text_alternative(
    query: SavedQuery, rows: Rows, notes_below: Sequence[str], language: str = ""
) -> str:
    """The text alternative of a chart.

    Args:
        query: whose rows they are.
        rows: those that are drawn.
        notes_below: the notes below its title.
        language: the reader's; empty for English.
    """
    beginning = [text_in("Chart.", language), query.asked_in(language)[0], *notes_below]
    if not rows:
        return " ".join(beginning if notes_below else [*beginning, text_in("No data.", language)])
    columns = [column.name for column in query.columns] or list(rows[0])
    hidden_names = {name[:-5] for name in columns if name.endswith("Label")} | {"rank"}
    columns_by_name = {column.name: column for column in query.columns}
    sentences = [
        ", ".join(
            _cell_text(row[name], columns_by_name.get(name, AnswerColumn(name, "")), language)
            for name in columns
            if name in row and name not in hidden_names
        )
        for row in rows[:_SPOKEN]
    ]
    rest_count = len(rows) - _SPOKEN
    rest_note = text_in("and {more} more rows in the table", language).format(more=rest_count)
    sentences += [rest_note] if rest_count > 0 else []
    return " ".join([*beginning, "; ".join(sentences) + "."])


def _cell_text(cell: Cell, column: AnswerColumn, language: str) -> str:
    """A text as it stands, a number with what it counts, a truth value as whether it is so."""
    heading, unit = column.heading_in(language), text_in(column.unit, language)
    name = heading.removesuffix(f" ({unit})")
    name = name if language == "de" else name.lower()  # German writes nouns with a capital
    if cell.is_suppressed:
        return f"{name} {cell.value}"
    if cell.is_truth:
        return name if cell.value in ("true", "1") else f"{text_in('not', language)} {name}"
    if not cell.is_number:
        return cell.value
    return f"{name} {cell.value}" + (f" {unit}" if f" ({unit})" in heading else "")


def _few_notes(query: SavedQuery, rows: Rows, language: str) -> list[str]:
    count_columns = [
        column.name for column in query.columns if column.unit and column.unit not in _MEASURES
    ]
    counts = [_count(row[name]) for row in rows for name in count_columns if name in row]
    if not counts or (largest := max(counts)) >= FEW:
        return []
    note = text_in("Few data: no count in the table is larger than {largest}.", language)
    return [note.format(largest=f"{largest:g}")]


def _count(cell: Cell) -> float:
    try:
        return float(cell.value)
    except ValueError:
        return 0.0


def _withheld_notes(rows: int, language: str) -> list[str]:
    """The note about rows whose count is withheld."""
    if not rows:
        return []
    plural = text_in("{rows} rows have a count that is withheld,", language).format(rows=rows)
    singular = text_in("1 row has a count that is withheld,", language)
    reason = text_in("as small counts could tell of persons: not zero, and not unknown.", language)
    return [f"{singular if rows == 1 else plural} {MARK}, {reason}"]
