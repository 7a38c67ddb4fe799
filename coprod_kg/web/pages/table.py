"""The rows of an answer as a table for a page: labels as links, column names as words."""

from collections.abc import Mapping
from dataclasses import dataclass

from coprod_kg.formats.table import Cell, Table, labelled_columns
from coprod_kg.model.namespaces import last_part
from coprod_kg.queries.header import AnswerColumn
from coprod_kg.queries.labels import language_of_text, text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.suppression import note
from coprod_kg.web.site import ONTOLOGY, Site

__all__ = ["MOST_ROWS", "DisplayCell", "Heading", "View", "show", "view", "words"]

MOST_ROWS = 1000
"""How many rows a page shows; the others are in the download."""

_WEB = ("https://", "http://")
"""What a link may begin with; anything else in an IRI is shown and never followed."""


@dataclass(frozen=True, slots=True)
class DisplayCell:
    """One cell on a page.

    Attributes:
        text: what is read.
        link: where it leads, or None.
        title: the whole IRI, where the text is shorter.
        language: of the text, or None.
        number: whether it is one.
    """

    text: str
    link: str | None = None
    title: str | None = None
    language: str | None = None
    number: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column: its name in words, what it means, and the language of the name."""

    text: str
    title: str | None
    number: bool
    language: str = "en"


@dataclass(frozen=True, slots=True)
class View:
    """A table on a page.

    Attributes:
        headings: one per column shown.
        rows: the cells, at most `MOST_ROWS` rows.
        count: how many rows the answer has.
        truth: the answer of an ASK, else None.
        note: what to know of withheld counts; empty where there are none.
    """

    headings: tuple[Heading, ...]
    rows: tuple[tuple[DisplayCell, ...], ...]
    count: int
    truth: bool | None
    note: str = ""


def view(site: Site, table: Table, query: SavedQuery | None = None, language: str = "") -> View:
    """A table for a page; a column ``xLabel`` becomes the link text of the column ``x``.

    Args:
        site: says which IRIs have a page here.
        table: the rows.
        query: the saved query that they answer.
        language: the reader's; empty for English.
    """
    known = {column.name: column for column in query.columns} if query else {}
    labels = labelled_columns(table.columns)
    shown = [column for column in table.columns if column not in labels.values()]
    numbers = {
        column
        for column in shown
        if any(row[column].is_number for row in table.rows if column in row)
    }
    headings = tuple(_heading(column, known, column in numbers, language) for column in shown)
    rows = tuple(
        tuple(_cell(site, row, column, labels.get(column)) for column in shown)
        for row in table.rows[:MOST_ROWS]
    )
    told = note(table, query.small_counts, language) if query else ""
    return View(headings, rows, len(table.rows), table.truth, told)


def show(site: Site, cell: Cell | None, label: Cell | None = None) -> DisplayCell:
    """One value for a page.

    Args:
        site: says which IRIs have a page here.
        cell: the value, or None where there is none.
        label: what a person calls it.
    """
    if cell is None:
        return DisplayCell(label.value, language=label.language) if label else DisplayCell("")
    if cell.kind == "literal":
        right = cell.is_number or cell.is_suppressed
        return DisplayCell(cell.value, language=cell.language, number=right)
    if cell.kind != "uri":
        return DisplayCell(label.value if label else cell.value)
    here = site.path(cell.value)
    link = here or (cell.value if cell.value.startswith(_WEB) else None)
    if cell.value.startswith(ONTOLOGY):
        link = None  # no page shows a term of the ontology yet
    if label:
        return DisplayCell(label.value, link, cell.value, label.language)
    ours = here or "#" in cell.value
    return DisplayCell(last_part(cell.value) if ours else cell.value, link, cell.value)


def _heading(name: str, known: Mapping[str, AnswerColumn], number: bool, language: str) -> Heading:
    column = known.get(name)
    if column is None:
        return Heading(words(name), None, number)
    text, tongue = column.heading_in(language), language_of_text(column.label_or_name, language)
    return Heading(text, text_in(column.description, language), number, tongue)


def _cell(site: Site, row: Mapping[str, Cell], column: str, label: str | None) -> DisplayCell:
    return show(site, row.get(column), row.get(label) if label else None)


def words(name: str) -> str:
    """``currentStage`` as ``current stage``."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced.replace("_", " ").strip()
