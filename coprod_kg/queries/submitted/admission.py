"""Check of a query or a chart that a curator submits, before it is stored."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from coprod_kg.errors import DataError, ModelError, TooLarge
from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.charts.chart import specification, svg
from coprod_kg.queries.charts.checks import chart_mistakes
from coprod_kg.queries.header import Mistake
from coprod_kg.queries.library import SavedQuery, Submitted, examine
from coprod_kg.queries.lint import decoded, query_mistakes
from coprod_kg.queries.submitted.graph import Edit
from coprod_kg.settings import Settings

__all__ = ["QueryAtFault", "admitted", "with_chart"]

_INTEGER: Final = "http://www.w3.org/2001/XMLSchema#integer"
_MOST_TOLD: Final = 100
"""How many mistakes are listed; of more, how many more."""


class QueryAtFault(DataError):
    """A question that was submitted has mistakes; each is named with its line."""

    title = "The question has mistakes"


def admitted(name: str, data: bytes, edit: Edit, chart: str | None = None) -> SavedQuery:
    """A question as it is kept, once nothing is wrong with it.

    Args:
        name: what it is to be called.
        data: its text, in UTF-8.
        edit: the edit: whose it is, and where it is made.
        chart: the text of the chart that it has already.

    Raises:
        TooLarge: it is larger than the settings allow.
        QueryAtFault: lists every mistake with its line.
    """
    _check_size(data, edit.settings, "question")
    text, wrong = decoded(data)
    if wrong:
        raise _at_fault(name, wrong)
    query, mistakes = examine(name, text)
    mistakes += query_mistakes(query, edit.store, edit.settings)
    if chart is not None:
        faults = chart_mistakes(chart, [column.name for column in query.columns])
        mistakes += [(line, f"in the chart that it has: {what}") for line, what in faults]
    if mistakes:
        raise _at_fault(name, sorted(mistakes))
    return replace(query, submitted=Submitted(edit.who, _now(), chart))


def with_chart(query: SavedQuery, data: bytes, edit: Edit) -> SavedQuery:
    """The same question with a chart, once that can be drawn.

    Raises:
        TooLarge: it is larger than the settings allow.
        QueryAtFault: lists every mistake with its line.
        LimitReached: it was not drawn within the limits.
    """
    _check_size(data, edit.settings, "chart")
    text, wrong = decoded(data)
    columns = [column.name for column in query.columns]
    if not wrong and query.is_graph:
        wrong = [(1, "the question gives a graph, of which there is no chart")]
    mistakes = wrong or chart_mistakes(text, columns)
    if mistakes:
        raise _at_fault(query.name, mistakes)
    checked = replace(query, submitted=Submitted(edit.who, _now(), text))
    row = {name: Cell("literal", "1", None, _INTEGER) for name in columns}
    try:
        svg(specification(checked, Table(tuple(columns), (row,))))
    except ModelError as error:
        raise _at_fault(query.name, [(1, error.what)]) from None
    return checked


def _check_size(data: bytes, settings: Settings, what: str) -> None:
    most = settings.saved_query_kb
    if len(data) > most << 10:
        raise TooLarge(
            f"the {what} is larger than {most} KiB, the limit here (saved-query-kb)",
            fix="Write it shorter.",
        )


def _at_fault(name: str, mistakes: list[Mistake]) -> QueryAtFault:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    lines = [f"line {line}: {what}" for line, what in mistakes[:_MOST_TOLD]]
    lines += [f"and {len(mistakes) - _MOST_TOLD} more"] if len(mistakes) > _MOST_TOLD else []
    return QueryAtFault(
        "\n".join([count, *lines]),
        where=f"question {name[:80]}",
        fix="Mend them and send it again; nothing was changed. `coprod-kg check-queries` names "
        "them before it is sent.",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
