"""Responses made from a saved query's rows: charts and workbooks."""

from collections.abc import Callable
from dataclasses import replace

from flask import Response

from coprod_kg.errors import LimitReached
from coprod_kg.formats.media_types import CRATE, EXCEL_CSV, WORKBOOK
from coprod_kg.formats.negotiation import Offer
from coprod_kg.formats.table import read_table
from coprod_kg.queries.content_hash import Content, content_of_table
from coprod_kg.queries.derived import MADE, MOST_BYTES, AskedQuery
from coprod_kg.store.base import Answer
from coprod_kg.web.replies import Conditions
from coprod_kg.web.site import take

__all__ = ["drawn", "settled"]


def settled(wanted: tuple[Offer, ...]) -> tuple[Offer, ...]:
    """The one format that is made of rows, if it is wanted first; else only those that are not."""
    made = (*MADE, CRATE)
    if wanted[0].format in made:
        return wanted[:1]
    return tuple(offer for offer in wanted if offer.format not in made)


def drawn(
    answer: Answer, asked: AskedQuery, conditions: Conditions, quoted: Callable[[int, Content], str]
) -> Response:
    """The rows of an answer as the chart or the workbook that is wanted.

    Args:
        answer: the rows as SPARQL JSON results.
        asked: the saved query as it was asked.
        conditions: where they come from.
        quoted: gives the sentence that cites an answer of a version.

    Raises:
        LimitReached: the answer is too large for that.
    """
    offer = conditions.offers[0]
    data = take(answer, MOST_BYTES)
    if data is None:
        raise LimitReached(
            f"the answer is larger than {MOST_BYTES >> 20} MiB, too much for {offer.format.label}",
            fix="Take it as CSV, or bind more parameters.",
        )
    table = read_table(data)
    if offer.format == WORKBOOK:
        asked = replace(asked, cited=quoted(answer.version, content_of_table(table, asked.claims)))
    body = asked.made(offer.format, table)
    response = Response(body, content_type=offer.content_type)
    kind = "attachment" if offer.format in (WORKBOOK, EXCEL_CSV) else "inline"
    name = f"{asked.query.name}.{'vl.json' if offer.format.name == 'vega' else offer.format.name}"
    response.headers["Content-Disposition"] = f'{kind}; filename="{name}"'
    return conditions.mark(response, offer)
