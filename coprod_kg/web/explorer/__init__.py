"""The explorer: pages for people who want to see where initiatives sit and what holds them.

A view is a saved query and a template: every number leads to the rows that it counts.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from coprod_kg.web.explorer.about import about, workbook
from coprod_kg.web.explorer.board import board
from coprod_kg.web.explorer.compare import compare
from coprod_kg.web.explorer.concept_pages import concept, overview
from coprod_kg.web.explorer.home import home
from coprod_kg.web.explorer.initiative import initiative
from coprod_kg.web.explorer.organisation import organisation
from coprod_kg.web.explorer.page import LANGUAGES, Page
from coprod_kg.web.explorer.pathways import pathways
from coprod_kg.web.explorer.search import search, suggest
from coprod_kg.web.site import Site

__all__ = ["blueprint"]


_EMBEDDED: Final = ("organisation", "board", "barriers", "enablers", "pathways")
"""The views that other sites may show in a frame."""


class _Language(BaseConverter):
    """The code of a language that is not the first one, as a part of an address."""

    regex = "|".join(LANGUAGES[1:])


def blueprint(site: Site) -> Blueprint:
    """The routes of the explorer, in English and below the code of each other language."""
    routes = Blueprint("explorer", __name__)
    views: dict[str, tuple[str, Callable[..., Response]]] = {
        "home": ("/", partial(_shown, home, site)),
        "search": ("/search", partial(_shown, search, site)),
        "suggest": ("/suggest", partial(_shown, suggest, site)),
        "organisation": ("/organisations/<name>", partial(_shown, organisation, site)),
        "initiative": ("/initiatives/<name>", partial(_shown, initiative, site)),
        "board": ("/board", partial(_shown, board, site)),
        "barriers": ("/barriers", partial(_shown, partial(overview, kind="barrier"), site)),
        "barrier": ("/barriers/<name>", partial(_shown, partial(concept, kind="barrier"), site)),
        "enablers": ("/enablers", partial(_shown, partial(overview, kind="enabler"), site)),
        "enabler": ("/enablers/<name>", partial(_shown, partial(concept, kind="enabler"), site)),
        "pathways": ("/pathways", partial(_shown, pathways, site)),
        "compare": ("/compare", partial(_shown, compare, site)),
        "about": ("/about", partial(_shown, about, site)),
        "template": ("/template.xlsx", workbook),
    }
    routes.record_once(_convert)
    for endpoint, (rule, view) in views.items():
        english = {"language": LANGUAGES[0]}
        routes.add_url_rule(rule, endpoint=endpoint, view_func=view, defaults=english)
        routes.add_url_rule(f"/<language:language>{rule}", endpoint=endpoint, view_func=view)
        if endpoint in _EMBEDDED:
            alone = f"/embed{rule}"
            routes.add_url_rule(alone, endpoint=endpoint, view_func=view, defaults=english)
            routes.add_url_rule(f"/<language:language>{alone}", endpoint=endpoint, view_func=view)
    return routes


def _shown(view: Callable[..., Response], site: Site, language: str, **named: str) -> Response:
    """What a view makes of its page, or that the client has it already."""
    page = Page(site, language)
    unchanged = page.unchanged()
    return view(page, **named) if unchanged is None else unchanged


def _convert(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["language"] = _Language
