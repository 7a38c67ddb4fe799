"""Edits of the submitted queries: put or delete a query or its chart. Callers authorise them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from coprod_kg.errors import Forbidden, NotFound, WrongUsage
from coprod_kg.queries.charts.chart import template
from coprod_kg.queries.library import SavedQuery, Submitted, is_slug
from coprod_kg.queries.lint import decoded
from coprod_kg.queries.submitted.admission import admitted, with_chart
from coprod_kg.queries.submitted.graph import Edit, keep, remove
from coprod_kg.store.base import Commit

__all__ = [
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


def put_text(name: str, data: bytes, edit: Edit, before: SavedQuery | None) -> Commit | None:
    """Make a question or replace it; its chart stays. None where that is what it says already.

    Raises:
        CoprodError: what `admitted` and `keep` raise.
    """
    query = admitted(name, data, edit, chart_of(before))
    if before is not None and before.text == query.text:
        return None
    what = "A question submitted" if before is None else "A question replaced"
    return keep(query, what, (data,), edit)


def put_chart(data: bytes, edit: Edit, before: SavedQuery | None) -> Commit | None:
    """Give a question a chart; None where it has it already.

    Raises:
        NotFound: there is no such question.
        CoprodError: what `with_chart` and `keep` raise.
    """
    query = with_chart(_there(before), data, edit)
    if chart_of(query) == chart_of(before):
        return None
    return keep(query, "The chart of a question submitted", (data,), edit)


def drop_text(edit: Edit, before: SavedQuery | None) -> Commit:
    """Remove a question.

    Raises:
        NotFound: there is none.
    """
    return remove(_there(before), edit)


def drop_chart(edit: Edit, before: SavedQuery | None) -> Commit:
    """Remove the chart of a question.

    Raises:
        NotFound: there is no such question, or it has none.
    """
    query = _there(before)
    if chart_of(query) is None:
        raise NotFound(f"the question {query.name} has no chart")
    source = query.submitted or Submitted(edit.who, "")
    kept = replace(query, submitted=replace(source, chart=None))
    return keep(kept, "The chart of a question removed", (), edit)


def chart_of(query: SavedQuery | None) -> str | None:
    """The text of the chart of a submitted question, if it has one."""
    return query.submitted.chart if query is not None and query.submitted else None


def chart_text(query: SavedQuery, own: Path | None) -> str:
    """The text of a question's chart, submitted or in a file.

    Args:
        query: the question.
        own: the folder of a person's own queries.

    Raises:
        NotFound: it has none.
    """
    text = chart_of(query)
    if text is not None:
        return text
    return json.dumps(template(query, own), ensure_ascii=False, indent=1) + "\n"


def sent_text(data: bytes) -> str:
    """The text of a question or a chart that was sent and found sound."""
    return decoded(data)[0]


def _there(before: SavedQuery | None) -> SavedQuery:
    if before is None:
        raise NotFound(
            "no such question was submitted",
            fix="Send its text first. All of them are listed at /queries.",
        )
    return before
