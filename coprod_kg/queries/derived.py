"""Formats derived from a saved query's rows: chart, workbook, CSV for Excel."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from coprod_kg.errors import WrongUsage
from coprod_kg.formats.media_types import CHARTS, EXCEL_CSV, WORKBOOK, Format
from coprod_kg.formats.table import Table
from coprod_kg.model.licence import LICENCE, LICENCE_NAME
from coprod_kg.queries.caveat import caveat
from coprod_kg.queries.charts.chart import has_chart, png, specification, svg
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.suppression import explained

__all__ = ["MADE", "MOST_BYTES", "AskedQuery", "formats_made"]

MADE: Final = (WORKBOOK, EXCEL_CSV, *CHARTS)
"""The formats that are made here of rows."""

MOST_BYTES: Final = 16 << 20
"""The largest answer that is made into anything; a larger one is for CSV."""

_LICENCE: Final = f"{LICENCE_NAME} where its graph says nothing else: {LICENCE}"


def formats_made(query: SavedQuery, own: Path | None = None) -> tuple[Format, ...]:
    """The formats that can be derived from a saved query's rows.

    Args:
        query: the saved query.
        own: the folder of a person's own queries.
    """
    if query.form in ("CONSTRUCT", "DESCRIBE"):
        return ()
    return (WORKBOOK, EXCEL_CSV, *(CHARTS if has_chart(query, own) else ()))


@dataclass(frozen=True, slots=True)
class AskedQuery:
    """A saved query as it was asked.

    Attributes:
        query: the saved query.
        values: what it was bound to.
        version: the dataset version that answered.
        own: the folder of a person's own queries.
        cited: how the answer is cited, in one sentence, where that is known.
        claims: how many claims in the dataset are secondary coding, and how many there are.
    """

    query: SavedQuery
    values: Mapping[str, Sequence[str]]
    version: int
    own: Path | None = None
    cited: str = ""
    claims: tuple[int, int] | None = None

    def made(self, form: Format, table: Table) -> bytes:
        """The rows in one of the formats of `MADE`.

        Raises:
            NotFound: it is a chart, and the query has none.
            CoprodError: it cannot be made, or not within the limits.
        """
        if form == WORKBOOK:
            # Only here: the library takes longer to come than most questions take to be answered.
            from coprod_kg.formats.xlsx import workbook

            return workbook(table, self._headings(), self.about(table))
        if form == EXCEL_CSV:
            return _excel_csv(table, caveat(table, self.claims))
        if form not in CHARTS:
            raise WrongUsage(f"{form.name} is not made of rows")
        spec = specification(self.query, table, self.own, self.claims)
        if form.name == "vega":
            return json.dumps(spec, ensure_ascii=False, indent=1).encode()
        return png(spec) if form.name == "png" else svg(spec)

    def about(self, table: Table) -> list[tuple[str, str]]:
        """The second sheet of a workbook: label → text about the question and its answer."""
        given = {name: values for name, values in self.values.items() if any(values)}
        rule, note = self.query.small_counts, caveat(table, self.claims)
        return [
            ("Question", self.query.summary),
            ("Description", self.query.description),
            ("Saved query", self.query.name),
            *((f"Parameter {name}", ", ".join(values)) for name, values in given.items()),
            ("Dataset version", str(self.version)),
            ("Rows", str(len(table.rows))),
            *([("Caveat", note)] if note else []),
            *([("Small counts", explained(rule))] if rule else []),
            ("Licence", _LICENCE),
            *([("Citation", self.cited)] if self.cited else []),
            *((f"Column {column.name}", column.description) for column in self.query.columns),
        ]

    def _headings(self) -> dict[str, str]:
        """The headings of the columns; columns with the same heading keep their names."""
        called = {column.name: column.heading for column in self.query.columns}
        texts = list(called.values())
        return {name: text if texts.count(text) == 1 else name for name, text in called.items()}


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
