"""What the editor of the SPARQL page offers: prefixes, classes, properties and concepts.

The editor itself is one file, built by npm (``make editor``); without it the form is there alone.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from coprod_kg.model.namespaces import prefixes
from coprod_kg.publishing.shapes import rulebooks
from coprod_kg.web.site import Site

__all__ = ["SCRIPT", "offered"]

SCRIPT: Final = Path(__file__).parents[1] / "static" / "editor.js"


def offered(site: Site, version: int) -> dict[str, Any]:
    """The words that a query can use: each short name with its meaning, and what asks for it.

    Counts come from the statistics of the version (VoID), the properties of a class from the
    shapes, the rest from the ontology and the schemes.
    """
    graph = f"{site.settings.base_iri}graph/catalogue"
    found = site.about("view-terms", graph, version).table()
    words = []
    for row in found.rows if found else ():
        short = _short(row["term"].value)
        if short:
            number = row["number"].value if "number" in row else "0"
            told = {"name": short, "kind": row["kind"].value, "number": int(number)}
            told |= {key: row[key].value for key in ("text",) if key in row}
            words.append({**told, "label": row["name"].value if "name" in row else ""})
    return {"prefixes": dict(prefixes()), "words": words, "properties": _by_class()}


@cache
def _by_class() -> dict[str, list[str]]:
    """Class → the properties that the shapes ask of its things."""
    found: dict[str, dict[str, None]] = {}
    for subject in (subject for book in rulebooks() for subject in book.subjects):
        named = [word.iri for target in subject.targets for word in target if word.iri]
        paths = [word.iri for rule in subject.rules for word in rule.path if word.iri]
        for iri in named:
            found.setdefault(_short(iri), {}).update(dict.fromkeys(map(_short, paths)))
    return {name: [path for path in paths if path] for name, paths in found.items() if name}


def _short(iri: str) -> str:
    """The IRI with the longest prefix that leaves a name SPARQL takes as it is, else nothing."""
    best = ""
    for prefix, namespace in prefixes().items():
        name = iri.removeprefix(namespace)
        plain = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
        if iri.startswith(namespace) and plain and not name.startswith("-"):
            best = f"{prefix}:{name}"
    return best
