"""Data extension of the Reconciliation API: values of properties for a column of a table."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from coprod_kg.errors import TooLarge, WrongUsage
from coprod_kg.formats.table import Cell
from coprod_kg.model.namespaces import expand, last_part
from coprod_kg.queries.labels import best
from coprod_kg.web.candidates import KINDS, kind_name, values_of
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.name_index import folded
from coprod_kg.web.names import kind_of
from coprod_kg.web.pages.table import words

__all__ = ["extended", "properties_of", "property_cells", "property_names"]

_MOST_THINGS: Final = 1000
"""Things whose values are asked for in one request."""
_DESCRIBED_AS: Final = {"cp:Country": "skos:Concept"}
"""The class under which the statistics count what is of another one."""


def extended(page: Page, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The values of some properties of some things.

    Args:
        page: the request.
        asked: the data extension query.

    Raises:
        WrongUsage: it is not as the specification has it.
        TooLarge: it asks for too many things.
    """
    ids, properties = asked.get("ids"), asked.get("properties")
    if (
        not isinstance(ids, list)
        or not isinstance(properties, list)
        or not all(isinstance(iri, str) for iri in ids)
        or not all(
            isinstance(setting, dict) and isinstance(setting.get("id"), str)
            for setting in properties
        )
    ):
        raise WrongUsage(
            "ids is no list of texts, or properties no list of objects with an id",
            where="parameter extend",
            fix='Write {"ids": ["IRI"], "properties": [{"id": "IRI"}]}.',
        )
    if len(ids) > _MOST_THINGS:
        raise TooLarge(
            f"values of {_MOST_THINGS} things are given at most, not of {len(ids)}",
            where="parameter extend",
            fix="Ask in several requests.",
        )
    names = list(dict.fromkeys(setting["id"] for setting in properties))
    values = values_of(page, list(dict.fromkeys(ids)), names)
    kinds: dict[str, set[str]] = {name: set() for name in names}
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for iri in ids:
        of = values.get(iri, {})
        rows[iri] = {name: property_cells(page, of.get(name, ()), kinds[name]) for name in names}
    labels = property_names(page, names)
    meta: list[dict[str, Any]] = []
    for name in names:
        told: dict[str, Any] = {"id": name, "name": labels[name]}
        kind = next(iter(kinds[name])) if len(kinds[name]) == 1 else ""
        if kind in KINDS:
            told["type"] = {"id": expand(KINDS[kind]), "name": kind_name(kind, page.language)}
        meta.append(told)
    return {"meta": meta, "rows": rows}


def property_cells(
    page: Page, values: Sequence[tuple[Cell, list[Cell]]], kinds: set[str]
) -> list[dict[str, Any]]:
    """Values of one property; of texts in several languages those in the reader's."""
    texts = [value for value, _ in values if value.language]
    chosen = best(texts, page.language)
    cells = []
    for value, named in values:
        if value.kind == "uri":
            label = page.label(value.value) or best(named, page.language)
            kinds.add(kind_of(page.site, value.value) if label else "")
            known = {"id": value.value, "name": label.value} if label else {"str": value.value}
            cells.append(known)
        elif value.language is None or (chosen and value.language == chosen.language):
            kinds.add("")
            cells.append(_literal(value))
    return cells


def _literal(value: Cell) -> dict[str, Any]:
    kind = (value.datatype or "").rpartition("#")[2]
    try:
        if kind in ("integer", "nonNegativeInteger", "int", "long"):
            return {"int": int(value.value)}
        if kind in ("decimal", "double", "float"):
            number = float(value.value)
            return {"float": number} if abs(number) < float("inf") else {"str": value.value}
    except ValueError:
        return {"str": value.value}
    if kind == "date" and len(value.value) == 10:
        return {"date": f"{value.value}T00:00:00Z"}
    return {"str": value.value}


def property_names(page: Page, properties: Sequence[str]) -> dict[str, str]:
    """What properties are called, where nobody says it by the last part of their IRI."""
    named = page.names([name for name in properties if ":" in name])
    return {
        name: named[name].value if name in named else words(last_part(name)) for name in properties
    }


def properties_of(page: Page, classes: Sequence[str]) -> dict[str, str]:
    """The properties that things of some classes have, each with its name, in their order."""
    graph = f"{page.site.settings.base_iri}graph/catalogue"
    counted = [expand(_DESCRIBED_AS.get(name, name)) for name in classes]
    names: dict[str, list[Cell]] = {}
    for row in page.ask("view-properties", thing=graph, **{"class": counted}).rows:
        of = names.setdefault(row["property"].value, [])
        of += [row["name"]] if "name" in row else []
    chosen = {name: best(cells, page.language) for name, cells in names.items()}
    told = [(name, cell.value if cell else words(last_part(name))) for name, cell in chosen.items()]
    return dict(sorted(told, key=lambda pair: (folded(pair[1]), pair[0])))
