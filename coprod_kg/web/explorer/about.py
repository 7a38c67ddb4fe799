"""The page about the explorer, and the empty workbook that it hands out."""

from functools import cache

from flask import Response

from coprod_kg.formats.media_types import WORKBOOK
from coprod_kg.formats.table import Cell
from coprod_kg.queries.labels import best
from coprod_kg.web.address import root
from coprod_kg.web.explorer.home import extent_of
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.replies import LATEST
from coprod_kg.workbook.sheets import sheets

__all__ = ["about", "workbook"]


def about(page: Page) -> Response:
    """What this is, how it was coded, its words, versions, and how to cite it."""
    kept = set(page.site.store.versions())
    versions = [
        (number, row["time"].value[:10], number in kept)
        for row in page.ask("view-versions").rows
        for number in [int(row["version"].value.rpartition("/")[2])]
    ]
    contact = page.site.settings.contact
    return page.render(
        "explorer/about.html",
        contact=contact if ":" in contact or not contact else f"mailto:{contact}",
        extent=extent_of(page),
        glossary=_glossary(page),
        versions=sorted(versions, reverse=True)[:30],
        root=root(),
        claims=page.site.claims(page.version),
    )


def workbook(language: str) -> Response:
    """The empty workbook, its lists in the reader's language."""
    response = Response(_workbook(language), content_type=WORKBOOK.content_type)
    response.headers["Content-Disposition"] = 'attachment; filename="coprod-template.xlsx"'
    response.headers["Cache-Control"] = LATEST
    return response


@cache
def _workbook(language: str) -> bytes:
    # openpyxl is a third of what a web process would load at its start, and few ask for this file.
    from coprod_kg.workbook.template import as_workbook

    return as_workbook(sheets(), language)


def _glossary(page: Page) -> dict[str, list[tuple[Cell, Cell, str | None]]]:
    """Scheme → its concepts: name, definition in the best language, page."""
    found: dict[str, tuple[str, Cell, list[Cell]]] = {}
    for row in page.ask("view-glossary").rows:
        scheme = row["scheme"].value.rpartition("/")[2]
        entry = found.setdefault(row["concept"].value, (scheme, row["conceptLabel"], []))
        entry[2].append(row["definition"])
    glossary: dict[str, list[tuple[Cell, Cell, str | None]]] = {}
    for iri, (scheme, label, definitions) in found.items():
        chosen = best(definitions, page.language)
        if chosen is not None:
            glossary.setdefault(scheme, []).append((label, chosen, page.place(iri)))
    return glossary
