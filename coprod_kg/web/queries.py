"""Routes of the saved queries: the list, and those of each query."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, g, jsonify, render_template, request

from coprod_kg.formats.media_types import HTML, ROWS
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery, find
from coprod_kg.queries.runs.ledger import Run, RunLedger
from coprod_kg.web import query_answer, query_differences, query_submitting
from coprod_kg.web.address import root
from coprod_kg.web.protocol import parameters
from coprod_kg.web.question import read_language
from coprod_kg.web.replies import LATEST, offers_among, wants_page
from coprod_kg.web.site import Site

__all__ = [
    "blueprint",
    "found",
]


_LIST = (ROWS[0], HTML)


@dataclass(frozen=True, slots=True)
class QuestionSearch:
    """What the page of the questions shows.

    Attributes:
        words: what was searched for, as it was written.
        chosen: the tags that a question must have.
        tags: every tag with the number of questions found that have it, the commonest first.
        groups: the first tag of a question → the questions, each once.
        queries: all of them, in the order of the catalogue.
        total: how many there are in the catalogue.
    """

    words: str
    chosen: tuple[str, ...]
    tags: tuple[tuple[str, int], ...]
    groups: Mapping[str, list[SavedQuery]]
    queries: tuple[SavedQuery, ...]
    total: int


def found(queries: Mapping[str, SavedQuery], words: str, tags: tuple[str, ...]) -> QuestionSearch:
    """The result of a search, grouped."""
    kept = find(queries.values(), words, tags)
    number = Counter(tag for query in kept for tag in query.tags)
    groups: dict[str, list[SavedQuery]] = {}
    for query in kept:
        groups.setdefault(query.tags[0] if query.tags else "other", []).append(query)
    return QuestionSearch(
        words=words,
        chosen=tags,
        tags=tuple(sorted(number.items(), key=lambda pair: (-pair[1], pair[0]))),
        groups=dict(sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))),
        queries=tuple(kept),
        total=len(queries),
    )


def blueprint(site: Site) -> Blueprint:
    """The routes of the saved queries."""
    routes = Blueprint("queries", __name__)
    routes.add_url_rule("/queries", endpoint="all", view_func=partial(_all, site))
    for family in (query_answer, query_differences, query_submitting):
        family.add_routes(routes, site)
    return routes


def _all(site: Site) -> Response:
    given = parameters(request)
    wanted = offers_among(_LIST, given.one("format"))
    tags = tuple(dict.fromkeys(tag for tag in given.all("tag") if tag))
    seen = found(site.queries, given.one("q") or "", tags)
    runs = RunLedger(site.settings.data).current(site.queries, site.store)
    language = read_language(given)
    if wants_page(wanted):
        g.language = language
        body = render_template(
            "queries.html", found=seen, runs=runs, subjects=_subjects(seen, language)
        )
        response = Response(body, content_type=HTML.content_type)
    else:
        listed = [_described(query, runs.get(query.name)) for query in seen.queries]
        response = jsonify({"queries": listed})
    response.headers["Cache-Control"] = LATEST
    return response


def _subjects(seen: QuestionSearch, language: str) -> dict[str, str]:
    """Tag → what it is called in a language."""
    tags = (*seen.chosen, *seen.groups, *(tag for tag, _ in seen.tags))
    return {tag: text_in(tag.replace("-", " "), language) for tag in tags}


def _described(query: SavedQuery, run: Run | None) -> dict[str, object]:
    url = f"{root()}queries/{query.name}"
    last = run.described() if run else None
    return {"name": query.name, "url": url, **query.described(), "last_run": last}
