"""Routes that submit, replace, remove and read single questions and their charts.

A question and its chart have the addresses that their files would have: ``/queries/NAME.rq`` and
``/queries/NAME.vl.json``. What is sent is looked over as `coprod_kg.queries.lint` does; those that
come with this software, and those in the operator's folder, are not changed here.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final

from flask import Blueprint, Response, request

from coprod_kg.errors import UnsupportedMedia
from coprod_kg.formats.media_types import CHARTS
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.submitted.edit import (
    chart_of,
    chart_text,
    check_name,
    drop_chart,
    drop_text,
    put_chart,
    put_text,
    sent_text,
)
from coprod_kg.queries.submitted.graph import Edit
from coprod_kg.store.base import Commit, attempt
from coprod_kg.web.authorisation import curator
from coprod_kg.web.protocol import QUERY, check_plain
from coprod_kg.web.question import saved
from coprod_kg.web.replies import LATEST, check_preconditions, committed
from coprod_kg.web.site import Site

__all__ = ["add_routes"]

_CHART: Final = CHARTS[2].media_type
_Change = Callable[[Edit, SavedQuery | None], Response]


def add_routes(routes: Blueprint, site: Site) -> None:
    """The routes of questions that are written."""
    rules = (
        ("submit", "", ["PUT", "DELETE"], _text),
        ("text", ".rq", ["GET", "PUT", "DELETE"], _text),
        ("chart", ".vl.json", ["GET", "PUT", "DELETE"], _chart),
    )
    for endpoint, ending, methods, view in rules:
        routes.add_url_rule(
            f"/queries/<name>{ending}",
            endpoint=endpoint,
            view_func=partial(view, site),
            methods=methods,
        )


def _text(site: Site, name: str) -> Response:
    """The text of a question, read or written."""
    if request.method not in ("PUT", "DELETE"):
        query = saved(site, name)
        return _read(query.text, f"{QUERY}; charset=utf-8")
    writing = _Writing(site, name, "text")
    if request.method == "DELETE":
        return writing.done(lambda edit, before: committed(drop_text(edit, before)))
    data = writing.sent(QUERY)
    return writing.done(partial(_put, name, data))


def _chart(site: Site, name: str) -> Response:
    """The chart of a question without rows, read or written."""
    if request.method not in ("PUT", "DELETE"):
        query = saved(site, name)
        return _read(chart_text(query, site.settings.queries), f"{_CHART}; charset=utf-8")
    writing = _Writing(site, name, "chart")
    if request.method == "DELETE":
        return writing.done(lambda edit, before: committed(drop_chart(edit, before)))
    data = writing.sent(_CHART, "application/json")
    return writing.done(partial(_chart_put, data))


class _Writing:
    """One request that changes a question: its sender and what it may be done to."""

    def __init__(self, site: Site, name: str, part: str) -> None:
        """Refuse a client that may not change this question.

        Args:
            site: where.
            name: of the question.
            part: ``text`` or ``chart``: what the request's conditions are about.
        """
        self._grant = curator(request, site.tokens, "Submitting a question")
        self._site, self._name, self._part = site, name, part
        check_name(name)

    def sent(self, *kinds: str) -> bytes:
        """The body of the request.

        Raises:
            UnsupportedMedia: it is said to be something else.
        """
        kind = request.mimetype
        if kind and kind not in kinds:
            raise UnsupportedMedia(
                f"a {self._part} of type {kind[:80]} is not read here",
                where="header Content-Type",
                fix=f"Send it as {' or '.join(kinds)}.",
            )
        check_plain(request)
        return request.get_data(cache=False)

    def done(self, change: _Change) -> Response:
        """Make the change; retry where another commit came in between."""
        return attempt(partial(self._once, change))

    def _once(self, change: _Change) -> Response:
        number, submitted = self._site.queries.newest()
        before = submitted.get(self._name)
        if before is None or request.method == "PUT":
            check_name(self._name, self._site.queries.fixed)
        tag = self._tag(before)
        check_preconditions([tag] if tag else [], self._name, exists=tag is not None)
        edit = Edit(self._site.store, self._site.settings, self._grant.name, number)
        return change(edit, before)

    def _tag(self, before: SavedQuery | None) -> str | None:
        held = chart_of(before) if self._part == "chart" or before is None else before.text
        return None if held is None else _hash(held)


def _put(name: str, data: bytes, edit: Edit, before: SavedQuery | None) -> Response:
    response = _made(put_text(name, data, edit, before), edit, before is None)
    if before is None:
        response.headers["Location"] = f"/queries/{name}"
    return _tagged(response, sent_text(data))


def _chart_put(data: bytes, edit: Edit, before: SavedQuery | None) -> Response:
    new = chart_of(before) is None
    response = _made(put_chart(data, edit, before), edit, new)
    if new:
        response.headers["Location"] = request.path
    return _tagged(response, sent_text(data))


def _made(commit: Commit | None, edit: Edit, new: bool) -> Response:
    """The response to a change; without a commit it was there already."""
    return committed(commit or Commit(edit.base), 201 if new else 204)


def _read(text: str, content_type: str) -> Response:
    response = _tagged(Response(text, content_type=content_type), text)
    response.headers["Cache-Control"] = LATEST
    response.make_conditional(request)
    return response


def _tagged(response: Response, text: str) -> Response:
    response.set_etag(_hash(text))
    return response


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
