"""Fills the template from statements, as somebody would by hand; it is the reader's opposite."""

from collections.abc import Iterator, Mapping

import pyoxigraph as ox
from openpyxl import Workbook

from coprod_kg.workbook.columns import ColumnKind, Sheet, SheetColumn, Sheets
from tests.workbooks.building import BASE, csv_file

RDFS_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
Rows = Mapping[str, list[dict[str, str]]]


def rows_of(sheets: Sheets, triples: set[ox.Triple], *, by_name: bool) -> Rows:
    """Sheet → its rows, each header → text.

    Args:
        sheets: the sheets of the template.
        triples: the statements.
        by_name: whether named things get no identifier and are referred to by name.
    """
    said: dict[str, dict[str, list[ox.NamedNode | ox.Literal]]] = {}
    for one in sorted(triples, key=str):
        assert isinstance(one.subject, ox.NamedNode)
        assert isinstance(one.object, ox.NamedNode | ox.Literal)
        said.setdefault(one.subject.value, {}).setdefault(one.predicate.value, []).append(
            one.object
        )
    made: dict[str, list[dict[str, str]]] = {}
    for iri, properties in said.items():
        kind, slug = iri.removeprefix(f"{BASE}id/").split("/")
        sheet = sheets.of_kind(kind)
        keeps = not (by_name and sheet.named)
        row = {"Identifier": slug} if keeps else {}
        for column in sheet.columns:
            texts = [
                _text(term, column, said, by_name=by_name)
                for term in properties.get(column.path or "", [])
            ]
            if texts:
                row[column.header] = "; ".join(texts)
        made.setdefault(sheet.title, []).append(row)
    return made


def fill(book: Workbook, sheets: Sheets, rows: Rows) -> None:
    """Write the rows below the examples."""
    for sheet in sheets.members:
        for number, row in enumerate(rows.get(sheet.title, []), 3):
            for place, column in _columns(sheet):
                if column.header in row:
                    book[sheet.title].cell(number, place).value = row[column.header]


def as_csv(rows: Rows) -> dict[str, bytes]:
    """The rows as CSV files, each with the columns that it needs."""
    files = {}
    for title, table in rows.items():
        headers = list(dict.fromkeys(header for row in table for header in row))
        content = [[row.get(header, "") for header in headers] for row in table]
        files[f"{title}.csv"] = csv_file([headers, *content])
    return files


def _columns(sheet: Sheet) -> Iterator[tuple[int, SheetColumn]]:
    return iter(enumerate(sheet.columns, 1))


def _text(
    term: ox.NamedNode | ox.Literal,
    column: SheetColumn,
    said: Mapping[str, Mapping[str, list[ox.NamedNode | ox.Literal]]],
    *,
    by_name: bool,
) -> str:
    if isinstance(term, ox.Literal):
        other = column.holds is ColumnKind.TEXT and term.language not in (None, "en")
        return f"{term.value} @{term.language}" if other else term.value
    if column.choices:
        return next(one.label("en") for one in column.choices.members if one.iri == term.value)
    if column.holds is ColumnKind.THING:
        name = said.get(term.value, {}).get(RDFS_LABEL)
        slug = term.value.removeprefix(f"{BASE}id/")
        return name[0].value if by_name and name else slug.split("/")[1]
    return term.value
