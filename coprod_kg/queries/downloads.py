"""Files of a downloaded answer: its data and its chart."""

import csv
import io

from coprod_kg.formats.media_types import CHARTS, GRAPHS, ROWS, Format
from coprod_kg.formats.table import Cell, Table, read_table
from coprod_kg.queries.content_hash import Content, content_of_graph, content_of_table, relabelled
from coprod_kg.queries.crate import File
from coprod_kg.queries.derived import AskedQuery, formats_made

__all__ = ["as_csv", "cell", "measured"]

_JSON, _CSV = ROWS[0], ROWS[2]
_TURTLE, _NTRIPLES = GRAPHS[0], GRAPHS[2]


def measured(asked: AskedQuery, data: bytes) -> tuple[list[File], Content]:
    """The files of an answer, the data first, and its content hash.

    Args:
        asked: the saved query as it was asked.
        data: the answer as SPARQL JSON results or N-Triples.

    Raises:
        CoprodError: its chart cannot be drawn, or not within the limits.
    """
    name = asked.query.name
    if asked.query.form in ("CONSTRUCT", "DESCRIBE"):
        lines = relabelled(data)
        file = File(f"{name}.nt", _NTRIPLES.media_type, "The answer as N-Triples", lines)
        return [file], content_of_graph(data, asked.claims)
    table = read_table(data)
    files = [
        File(f"{name}.csv", _CSV.media_type, "The answer as CSV", as_csv(table)),
        File(f"{name}.json", _JSON.media_type, "The answer as SPARQL JSON", data),
    ]
    drawn = [format_ for format_ in formats_made(asked.query, asked.own) if format_ in CHARTS]
    files += [_chart(asked, format_, table) for format_ in drawn if format_.name in ("svg", "vega")]
    return files, content_of_table(table, asked.claims)


def _chart(asked: AskedQuery, form: Format, table: Table) -> File:
    suffix = "vl.json" if form.name == "vega" else form.name
    title = "The chart" if form.name == "svg" else "The chart with its rows, for Vega-Lite"
    kind = "ImageObject" if form.name == "svg" else ""
    data = asked.made(form, table)
    return File(f"{asked.query.name}.{suffix}", form.media_type, title, data, kind)


def as_csv(table: Table) -> bytes:
    """Rows as SPARQL 1.1 CSV results; a truth value as one row."""
    file = io.StringIO()
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


def cell(value: Cell) -> dict[str, str]:
    """A cell as in SPARQL JSON results."""
    cell = {"type": value.kind, "value": value.value}
    cell |= {"xml:lang": value.language} if value.language else {}
    return cell | ({"datatype": value.datatype} if value.datatype else {})
