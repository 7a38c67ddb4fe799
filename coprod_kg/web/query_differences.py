"""Route that compares the answers of a saved query over two versions of the data."""

from functools import partial
from typing import Final

from flask import Blueprint, Response, g, jsonify, render_template, request

from coprod_kg.errors import LimitReached, NotFound
from coprod_kg.formats.media_types import HTML, ROWS
from coprod_kg.formats.table import Table
from coprod_kg.queries.differences import as_csv, compare, document, key_of
from coprod_kg.web.pages.differences import compared
from coprod_kg.web.protocol import parameters, version
from coprod_kg.web.question import question_of, read_language, saved
from coprod_kg.web.replies import LATEST, PINNED, offers_among
from coprod_kg.web.site import Site

__all__ = ["add_routes"]

_FORMATS: Final = (ROWS[0], ROWS[2], HTML)


def add_routes(routes: Blueprint, site: Site) -> None:
    """The route of differences."""
    routes.add_url_rule(
        "/queries/<name>/differences", endpoint="differences", view_func=partial(_differ, site)
    )


def _differ(site: Site, name: str) -> Response:
    query, given = saved(site, name), parameters(request)
    if query.form != "SELECT":
        raise NotFound(f"the answer of {name} has no rows that could differ")
    offer = offers_among(_FORMATS, given.one("format"))[0]
    fixed = site.is_pinned(given, "from", "to")
    after = version(given, "to")
    later = site.version() if after is None else after
    before = version(given, "from")
    earlier = max(later - 1, 0) if before is None else before
    tables = [_table(site, name, number) for number in (earlier, later)]
    found = compare(tables[0], tables[1], key_of(query, *tables))
    if offer.format == HTML:
        g.language = language = read_language(given)
        body = render_template(
            "differences.html",
            query=query,
            found=found,
            compared=compared(site, query, found, language),
            span=(earlier, later),
            labels_in=language,
        )
        response = Response(body, content_type=HTML.content_type)
    elif offer.format == ROWS[2]:
        response = Response(as_csv(found), content_type=offer.content_type)
    else:
        response = jsonify({"query": name, "from": earlier, "to": later, **document(found)})
    response.headers["Cache-Control"] = PINNED if fixed else LATEST
    response.headers["Dataset-Version"] = str(later)
    return response


def _table(site: Site, name: str, number: int) -> Table:
    question = question_of(site, site.queries[name], parameters(request), number, ("from", "to"))
    found = question.with_permitted_values().table()
    if found is None:
        raise LimitReached(
            f"the answer of version {number} is too large to be compared here",
            fix="Bind more parameters, or ask for a part of the rows with limit and offset.",
        )
    return found
