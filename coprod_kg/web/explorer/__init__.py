"""The explorer: pages for people who want to see where initiatives sit and what holds them.

A view is a saved query and a template: every number leads to the rows that it counts.
"""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response

from coprod_kg.web.explorer.about import about, workbook
from coprod_kg.web.explorer.board import board
from coprod_kg.web.explorer.compare import compare
from coprod_kg.web.explorer.concept_pages import concept, overview
from coprod_kg.web.explorer.home import home
from coprod_kg.web.explorer.initiative import initiative
from coprod_kg.web.explorer.organisation import organisation
from coprod_kg.web.explorer.page import LANGUAGES
from coprod_kg.web.explorer.pathways import pathways
from coprod_kg.web.explorer.search import Searcher
from coprod_kg.web.site import Site

__all__ = ["blueprint"]


def blueprint(site: Site) -> Blueprint:
    """The routes of the explorer, in English and below the code of each other language."""
    routes = Blueprint("explorer", __name__)
    views: dict[str, Callable[..., Response]] = {
        "/": partial(home, site),
        "/search": Searcher(site),
        "/organisations/<name>": partial(organisation, site),
        "/initiatives/<name>": partial(initiative, site),
        "/board": partial(board, site),
        "/pathways": partial(pathways, site),
        "/compare": partial(compare, site),
        "/about": partial(about, site),
        "/template.xlsx": workbook,
        "/barriers": partial(overview, site, "barrier"),
        "/barriers/<name>": partial(concept, site, "barrier"),
        "/enablers": partial(overview, site, "enabler"),
        "/enablers/<name>": partial(concept, site, "enabler"),
    }
    for rule, view in views.items():
        for language in LANGUAGES:
            start = "" if language == LANGUAGES[0] else f"/{language}"
            routes.add_url_rule(
                f"{start}{rule}",
                endpoint=f"{language} {rule}",
                view_func=view,
                defaults={"language": language},
            )
    return routes
