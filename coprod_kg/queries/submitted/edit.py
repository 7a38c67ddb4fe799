"""Edits of the submitted queries, each checked before it is stored. Callers authorise them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from coprod_kg.errors import DataError, Forbidden, ModelError, NotFound, TooLarge, WrongUsage
from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.charts.chart import specification, svg, template
from coprod_kg.queries.charts.checks import chart_mistakes
from coprod_kg.queries.header import Mistake
from coprod_kg.queries.library import SavedQuery, Submitted, examine, is_slug
from coprod_kg.queries.lint import decoded, query_mistakes
from coprod_kg.queries.submitted.graph import Edit, keep, remove
from coprod_kg.settings import Settings
from coprod_kg.store.base import Commit

__all__ = [
    "admitted",
    "chart_of",
    "chart_text",
    "check_name",
    "drop_chart",
    "drop_text",
    "put_chart",
    "put_text",
    "sent_text",
]


_LONGEST: Final = 80
"""How many characters a name may have."""

_INTEGER: Final = "http://www.w3.org/2001/XMLSchema#integer"
_MOST_TOLD: Final = 100
"""How many mistakes are listed; of more, how many more."""


def check_name(name: str, fixed: Mapping[str, SavedQuery] | None = None) -> None:
    """Refuse a name that no submitted question can have.

    Args:
        name: the name.
        fixed: the questions in files, whose names are taken.

    Raises:
        WrongUsage: it is no slug, or too long.
        Forbidden: it is that of a question in a file.
    """
    if not is_slug(name) or len(name) > _LONGEST:
        raise WrongUsage(
            f"{name[:80]!r} cannot be the name of a question",
            fix=f"Use small letters, digits and hyphens, {_LONGEST} characters at most.",
        )
    if fixed is not None and name in fixed:
        raise Forbidden(
            f"the question {name} is in a file of this installation",
            fix="Choose another name; what is in files is not changed here.",
        )


def put_text(name: str, data: bytes, edit: Edit, current: SavedQuery | None) -> Commit | None:
    """Make a question or replace it; its chart stays. None where the text is the same as before.

    Raises:
        CoprodError: what `admitted` and `keep` raise.
    """
    query = admitted(name, data, edit, chart_of(current))
    if current is not None and current.text == query.text:
        return None
    activity_label = "A question submitted" if current is None else "A question replaced"
    return keep(query, activity_label, (data,), edit)


def put_chart(data: bytes, edit: Edit, current: SavedQuery | None) -> Commit | None:
    """Give a question a chart; None where it has it already.

    Raises:
        NotFound: there is no such question.
        CoprodError: what `with_chart` and `keep` raise.
    """
    query = with_chart(_existing(current), data, edit)
    if chart_of(query) == chart_of(current):
        return None
    return keep(query, "The chart of a question submitted", (data,), edit)


def drop_text(edit: Edit, current: SavedQuery | None) -> Commit:
    """Remove a question.

    Raises:
        NotFound: there is none.
    """
    return remove(_existing(current), edit)


def drop_chart(edit: Edit, current: SavedQuery | None) -> Commit:
    """Remove the chart of a question.

    Raises:
        NotFound: there is no such question, or it has none.
    """
    query = _existing(current)
    if chart_of(query) is None:
        raise NotFound(f"the question {query.name} has no chart")
    source = query.submitted or Submitted(edit.token_name, "")
    without_chart = replace(query, submitted=replace(source, chart=None))
    return keep(without_chart, "The chart of a question removed", (), edit)


def chart_of(query: SavedQuery | None) -> str | None:
    """The text of the chart of a submitted question, if it has one."""
    return query.submitted.chart if query is not None and query.submitted else None


def chart_text(query: SavedQuery, own_folder: Path | None) -> str:
    """The text of a question's chart, submitted or in a file.

    Args:
        query: the question.
        own_folder: the folder of a person's own queries.

    Raises:
        NotFound: it has none.
    """
    text = chart_of(query)
    if text is not None:
        return text
    return json.dumps(template(query, own_folder), ensure_ascii=False, indent=1) + "\n"


def sent_text(data: bytes) -> str:
    """The text of a question or a chart that was sent and found sound."""
    return decoded(data)[0]


def _existing(current: SavedQuery | None) -> SavedQuery:
    if current is None:
        raise NotFound(
            "no such question was submitted",
            fix="Send its text first. All of them are listed at /queries.",
        )
    return current


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
    text, encoding_mistakes = decoded(data)
    if encoding_mistakes:
        raise _at_fault(name, encoding_mistakes)
    query, mistakes = examine(name, text)
    mistakes += query_mistakes(query, edit.store, edit.settings)
    if chart is not None:
        faults = chart_mistakes(chart, [column.name for column in query.columns])
        mistakes += [(line, f"in the chart that it has: {message}") for line, message in faults]
    if mistakes:
        raise _at_fault(name, sorted(mistakes))
    return replace(query, submitted=Submitted(edit.token_name, _now(), chart))


def with_chart(query: SavedQuery, data: bytes, edit: Edit) -> SavedQuery:
    """The same question with a chart, once that can be drawn.

    Raises:
        TooLarge: it is larger than the settings allow.
        QueryAtFault: lists every mistake with its line.
        LimitReached: it was not drawn within the limits.
    """
    _check_size(data, edit.settings, "chart")
    text, chart_faults = decoded(data)
    columns = [column.name for column in query.columns]
    if not chart_faults and query.is_graph:
        chart_faults = [(1, "the question gives a graph, of which there is no chart")]
    mistakes = chart_faults or chart_mistakes(text, columns)
    if mistakes:
        raise _at_fault(query.name, mistakes)
    checked = replace(query, submitted=Submitted(edit.token_name, _now(), text))
    row = {name: Cell("literal", "1", None, _INTEGER) for name in columns}
    try:
        svg(specification(checked, Table(tuple(columns), (row,))))
    except ModelError as error:
        raise _at_fault(query.name, [(1, error.what)]) from None
    return checked


def _check_size(data: bytes, settings: Settings, noun: str) -> None:
    most_kib = settings.saved_query_kb
    if len(data) > most_kib << 10:
        raise TooLarge(
            f"the {noun} is larger than {most_kib} KiB, the limit here (saved-query-kb)",
            fix="Write it shorter.",
        )


def _at_fault(name: str, mistakes: list[Mistake]) -> QueryAtFault:
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    lines = [f"line {line}: {message}" for line, message in mistakes[:_MOST_TOLD]]
    lines += [f"and {len(mistakes) - _MOST_TOLD} more"] if len(mistakes) > _MOST_TOLD else []
    return QueryAtFault(
        "\n".join([count, *lines]),
        where=f"question {name[:80]}",
        fix="Mend them and send it again; nothing was changed. `coprod-kg check-queries` names "
        "them before it is sent.",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
