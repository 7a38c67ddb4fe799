"""Formats derived from a saved query's answer: chart, workbook, CSV for Excel, files of a crate."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from coprod_kg.errors import WrongUsage
from coprod_kg.formats.media_types import CHARTS, CRATE, EXCEL_CSV, GRAPHS, ROWS, WORKBOOK, Format
from coprod_kg.formats.table import Cell, Table, read_table
from coprod_kg.model.namespaces import LICENCE, LICENCE_NAME
from coprod_kg.queries.caveat import caveat
from coprod_kg.queries.charts.chart import has_chart, png, specification, svg
from coprod_kg.queries.content_hash import relabelled
from coprod_kg.queries.crate import File
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.suppression import explained

__all__ = [
    "DERIVED",
    "MOST_BYTES",
    "AskedQuery",
    "as_csv",
    "crate_files",
    "formats_made",
    "formats_of",
]

_JSON, _CSV = ROWS[0], ROWS[2]
_NTRIPLES = GRAPHS[2]

DERIVED: Final = (WORKBOOK, EXCEL_CSV, *CHARTS)
"""The formats that are made here of rows."""

MOST_BYTES: Final = 16 << 20
"""The largest answer that is made into anything; a larger one is for CSV."""

_LICENCE: Final = f"{LICENCE_NAME} where its graph says nothing else: {LICENCE}"


def formats_made(query: SavedQuery, own_folder: Path | None = None) -> tuple[Format, ...]:
    """The formats that can be derived from a saved query's rows.

    Args:
        query: the saved query.
        own_folder: the folder of a person's own queries.
    """
    if query.is_graph:
        return ()
    return (WORKBOOK, EXCEL_CSV, *(CHARTS if has_chart(query, own_folder) else ()))


def formats_of(query: SavedQuery, own_folder: Path | None = None) -> tuple[Format, ...]:
    """The formats that the answer of a saved query can be written in, best first."""
    return (*(GRAPHS if query.is_graph else ROWS), *formats_made(query, own_folder), CRATE)


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A saved query as it was asked.

    Attributes:
        query: the saved query.
        values: what it was bound to.
        version: the dataset version that answered.
        own_folder: the folder of a person's own queries.
        cited: how the answer is cited, in one sentence, where that is known.
        claims: how many claims in the dataset are secondary coding, and how many there are.
        language: of the labels and the notes; empty for English.
    """

    query: SavedQuery
    values: Mapping[str, Sequence[str]]
    version: int
    own_folder: Path | None = None
    cited: str = ""
    claims: tuple[int, int] | None = None
    language: str = ""

    def in_format(self, form: Format, table: Table) -> bytes:
        """The rows in one of the formats of `DERIVED`.

        Raises:
            NotFound: it is a chart, and the query has none.
            CoprodError: it cannot be made, or not within the limits.
        """
        if form == WORKBOOK:
            # Only here: the library takes longer to come than most questions take to be answered.
            from coprod_kg.formats.xlsx import workbook

            return workbook(table, self._headings(), self.about(table))
        if form == EXCEL_CSV:
            return _excel_csv(table, caveat(table, self.claims, self.language))
        if form not in CHARTS:
            raise WrongUsage(f"{form.name} is not made of rows")
        spec = specification(self.query, table, self.own_folder, self.claims, self.language)
        if form.name == "vega":
            return json.dumps(spec, ensure_ascii=False, indent=1).encode()
        return png(spec) if form.name == "png" else svg(spec)

    def about(self, table: Table) -> list[tuple[str, str]]:
        """The second sheet of a workbook: label → text about the question and its answer."""
        bound_values = {name: values for name, values in self.values.items() if any(values)}
        language, query = self.language, self.query
        rule = query.small_counts
        note = caveat(table, self.claims, language, has_headings=True)
        parameter, column = text_in("Parameter", language), text_in("Column", language)
        return [
            (text_in("Question", language), query.asked_in(language)[0]),
            (text_in("Description", language), query.described_in(language)[0]),
            (text_in("Saved query", language), query.name),
            *((f"{parameter} {name}", ", ".join(values)) for name, values in bound_values.items()),
            (text_in("Dataset version", language), str(self.version)),
            (text_in("Rows", language), str(len(table.rows))),
            *([(text_in("Caveat", language), note)] if note else []),
            *([(text_in("Small counts", language), explained(rule, language))] if rule else []),
            (text_in("Licence", language), _LICENCE),
            *([(text_in("Citation", language), self.cited)] if self.cited else []),
            *(
                (f"{column} {declared_column.name}", text_in(declared_column.description, language))
                for declared_column in query.columns
            ),
        ]

    def _headings(self) -> dict[str, str]:
        """The headings of the columns; columns with the same heading keep their names."""
        headings = {column.name: column.heading_in(self.language) for column in self.query.columns}
        texts = list(headings.values())
        return {name: text if texts.count(text) == 1 else name for name, text in headings.items()}


def _excel_csv(table: Table, note: str) -> bytes:
    """The rows as CSV after a byte order mark, by which Excel knows that it is UTF-8.

    It is for people: the caveat stands below the rows, after an empty line.
    """
    text = StringIO()
    rows = csv.writer(text)
    if table.truth is None:
        rows.writerow(table.columns)
        rows.writerows([row.get(name, "") for name in table.columns] for row in table.texts())
    else:
        rows.writerow([str(table.truth).lower()])
    if note:
        rows.writerows([[], [note]])
    return text.getvalue().encode("utf-8-sig")


def crate_files(asked_query: AskedQuery, data: bytes) -> list[File]:
    """The files of a downloaded answer, the data first.

    Args:
        asked_query: the saved query as it was asked.
        data: the answer as SPARQL JSON results or N-Triples.

    Raises:
        CoprodError: its chart cannot be drawn, or not within the limits.
    """
    name = asked_query.query.name
    if asked_query.query.is_graph:
        lines = relabelled(data)
        file = File(f"{name}.nt", _NTRIPLES.media_type, "The answer as N-Triples", lines)
        return [file]
    table = read_table(data)
    files = [
        File(f"{name}.csv", _CSV.media_type, "The answer as CSV", as_csv(table)),
        File(f"{name}.json", _JSON.media_type, "The answer as SPARQL JSON", data),
    ]
    chart_formats = [
        format_
        for format_ in formats_made(asked_query.query, asked_query.own_folder)
        if format_ in CHARTS
    ]
    files += [
        _chart(asked_query, format_, table)
        for format_ in chart_formats
        if format_.name in ("svg", "vega")
    ]
    return files


def _chart(asked_query: AskedQuery, form: Format, table: Table) -> File:
    suffix = "vl.json" if form.name == "vega" else form.name
    title = "The chart" if form.name == "svg" else "The chart with its rows, for Vega-Lite"
    kind = "ImageObject" if form.name == "svg" else ""
    data = asked_query.in_format(form, table)
    return File(f"{asked_query.query.name}.{suffix}", form.media_type, title, data, kind)


def as_csv(table: Table) -> bytes:
    """Rows as SPARQL 1.1 CSV results; a truth value as one row."""
    file = StringIO()
    writer = csv.writer(file)
    if table.truth is not None:
        writer.writerows([["answer"], ["true" if table.truth else "false"]])
    else:
        writer.writerow(table.columns)
        for row in table.rows:
            writer.writerow([_plain(row.get(name)) for name in table.columns])
    return file.getvalue().encode("utf-8", "surrogatepass")


def _plain(value: Cell | None) -> str:
    if value is None:
        return ""
    return f"_:{value.value}" if value.kind == "bnode" else value.value
