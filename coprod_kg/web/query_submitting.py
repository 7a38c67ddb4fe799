"""Questions written over HTTP with a curator's token, and read as text; it asks none of them.

A question and its chart have the addresses that their files would have: ``/queries/NAME.rq`` and
``/queries/NAME.vl.json``. What is sent is looked over as `coprod_kg.linting` does; those that come
with this software, and those in the operator's folder, are not changed here.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Final

from flask import Blueprint, Response, request

from coprod_kg.catalogue.queries import SavedQuery, Submitted, is_slug
from coprod_kg.collecting.admitting import admitted, with_chart
from coprod_kg.collecting.keeping import Deed, keep, remove
from coprod_kg.errors import Forbidden, NotFound, PreconditionFailed, UnsupportedMedia, WrongUsage
from coprod_kg.results.chart import template
from coprod_kg.results.formats import CHARTS
from coprod_kg.web.body import body
from coprod_kg.web.protocol import QUERY, check_plain
from coprod_kg.web.query_citing import saved
from coprod_kg.web.replies import LATEST
from coprod_kg.web.rights import curator
from coprod_kg.web.site import Site
from coprod_kg.web.update import attempt, committed

__all__ = ["add_routes"]

_CHART: Final = CHARTS[2].media_type
_LONGEST: Final = 80
"""How many characters a name may have."""
_Change = Callable[[Deed, SavedQuery | None], Response]


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
        return _read(site, query.text, f"{QUERY}; charset=utf-8")
    writing = _Writing(site, name, "text")
    if request.method == "DELETE":
        return writing.done(_removed)
    data = writing.sent(QUERY)
    return writing.done(partial(_put, name, data))


def _chart(site: Site, name: str) -> Response:
    """The chart of a question without rows, read or written."""
    if request.method not in ("PUT", "DELETE"):
        query = saved(site, name)
        return _read(site, _chart_text(query, site), f"{_CHART}; charset=utf-8")
    writing = _Writing(site, name, "chart")
    if request.method == "DELETE":
        return writing.done(_chart_removed)
    data = writing.sent(_CHART, "application/json")
    return writing.done(partial(_chart_put, data))


class _Writing:
    """One request that changes a question: its sender and what it may be done to."""

    def __init__(self, site: Site, name: str, part: str) -> None:
        """Refuse whoever may not change this question.

        Args:
            site: where.
            name: of the question.
            part: ``text`` or ``chart``: what the request's conditions are about.
        """
        self._grant = curator(request, site.tokens, "Submitting a question")
        self._site, self._name, self._part = site, name, part
        if not is_slug(name) or len(name) > _LONGEST:
            raise WrongUsage(
                f"{name[:80]!r} cannot be the name of a question",
                where="the address",
                fix=f"Use small letters, digits and hyphens, {_LONGEST} characters at most.",
            )

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
        return body(request)

    def done(self, change: _Change) -> Response:
        """Make the change; again where somebody else's commit came in between."""
        return attempt(partial(self._once, change))

    def _once(self, change: _Change) -> Response:
        number, submitted = self._site.queries.newest()
        before = submitted.get(self._name)
        if self._name in self._site.queries.fixed and (before is None or request.method == "PUT"):
            raise Forbidden(
                f"the question {self._name} is in a file of this installation",
                fix="Choose another name; what is in files is not changed over HTTP.",
            )
        _check_conditions(self._tag(before), self._name)
        deed = Deed(self._site.store, self._site.settings, self._grant.name, number)
        return change(deed, before)

    def _tag(self, before: SavedQuery | None) -> str | None:
        if before is None or before.submitted is None:
            return None
        held = before.text if self._part == "text" else before.submitted.chart
        return None if held is None else _hash(held)


def _check_conditions(tag: str | None, name: str) -> None:
    """Refuse a change that was meant for another state (RFC 9110, section 13)."""
    wanted, unwanted = request.if_match, request.if_none_match
    fits = tag is not None and (wanted.star_tag or wanted.contains(tag))
    if "If-Match" in request.headers and not fits:
        raise PreconditionFailed(
            f"{name} is not what the header If-Match says",
            where="header If-Match",
            fix="Get it again, and make the change anew.",
        )
    met = tag is not None and (unwanted.star_tag or unwanted.contains_weak(tag))
    if "If-None-Match" in request.headers and met:
        raise PreconditionFailed(
            f"{name} is there already",
            where="header If-None-Match",
            fix="Choose another name, or leave the header out to replace it.",
        )


def _put(name: str, data: bytes, deed: Deed, before: SavedQuery | None) -> Response:
    chart = before.submitted.chart if before is not None and before.submitted else None
    query = admitted(name, data, deed, chart)
    if before is not None and before.text == query.text:
        return _tagged(_unchanged(deed), query.text)
    what = "A question submitted" if before is None else "A question replaced"
    commit = keep(query, what, deed)
    response = _tagged(committed(commit, 201 if before is None else 204), query.text)
    if before is None:
        response.headers["Location"] = f"/queries/{name}"
    return response


def _removed(deed: Deed, before: SavedQuery | None) -> Response:
    return committed(remove(_there(before), deed))


def _chart_put(data: bytes, deed: Deed, before: SavedQuery | None) -> Response:
    query = with_chart(_there(before), data, deed)
    old, new = _source(before).chart, _source(query).chart or ""
    if old == new:
        return _tagged(_unchanged(deed), new)
    commit = keep(query, "The chart of a question submitted", deed)
    response = _tagged(committed(commit, 201 if old is None else 204), new)
    if old is None:
        response.headers["Location"] = request.path
    return response


def _chart_removed(deed: Deed, before: SavedQuery | None) -> Response:
    query = _there(before)
    source = _source(query)
    if source.chart is None:
        raise NotFound(f"the question {query.name} has no chart")
    kept = replace(query, submitted=replace(source, chart=None))
    return committed(keep(kept, "The chart of a question removed", deed))


def _there(before: SavedQuery | None) -> SavedQuery:
    if before is None:
        raise NotFound(
            "no such question was submitted",
            fix=f"Send its text first, by PUT, as {QUERY}. All of them are listed at /queries.",
        )
    return before


def _source(query: SavedQuery | None) -> Submitted:
    return query.submitted if query and query.submitted else Submitted("", "")


def _unchanged(deed: Deed) -> Response:
    """What is said where nothing had to be done."""
    response = Response(status=204)
    response.headers["Dataset-Version"] = str(deed.base)
    response.headers["Cache-Control"] = "no-store"
    return response


def _chart_text(query: SavedQuery, site: Site) -> str:
    if query.submitted is not None and query.submitted.chart is not None:
        return query.submitted.chart
    return json.dumps(template(query, site.settings.queries), ensure_ascii=False, indent=1) + "\n"


def _read(site: Site, text: str, content_type: str) -> Response:
    response = _tagged(Response(text, content_type=content_type), text)
    closed = site.settings.read_access == "token"
    response.headers["Cache-Control"] = LATEST.replace("public", "private") if closed else LATEST
    response.make_conditional(request)
    return response


def _tagged(response: Response, text: str) -> Response:
    response.set_etag(_hash(text))
    return response


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
