"""The JSON-LD context of our files, served at an address of its own: prefixes and terms.

A file that names it stays as it is while the model grows, so a name in it never gets another
meaning: new names are added, and what cannot be told with them any more takes the next number.
"""

import json
import re
from functools import cache
from json.encoder import encode_basestring
from typing import Any, Final

from coprod_kg.model.graph import text_of
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import last_part, named, prefixes, shorten, terms

__all__ = ["CONTEXT", "compacted", "context_document", "with_context_inside"]

CONTEXT: Final = "context/coprod-1.jsonld"
"""Where it is, below the address of any service."""
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_NAMED: Final = re.compile(
    r'("@context"\s*:\s*(?:\[\s*)?)"https?://[^"\s\\]+/' + re.escape(CONTEXT) + '"'
)


@cache
def context_document() -> bytes:
    """The context as a file."""
    text = json.dumps({"@context": _context()}, ensure_ascii=False, indent=1)
    return text.encode() + b"\n"


def with_context_inside(text: str) -> str:
    """A JSON-LD document that names our context, with the context in it, all lines in their places.

    No link in a file is followed; what stands behind this one is known, whichever service has it.
    """
    inside = json.dumps(_context(), ensure_ascii=False)
    return _NAMED.sub(lambda found: found[1] + inside, text)


def compacted(expanded: bytes, root: str) -> bytes:
    """A document in expanded form, told in the words of the context.

    Args:
        expanded: the document: one node for each subject, no node within another.
        root: the address of the service whose context is named.
    """
    nodes = [_node(node) for node in json.loads(expanded)]
    told = {"@context": f"{root}{CONTEXT}", "@graph": nodes}
    return _indented(told, "\n").encode() + b"\n"


def _indented(value: Any, start: str) -> str:
    """What `json.dumps` writes with an indent of one, in a third of the time.

    With an indent it uses no C; each organisation of a commit has such a file.

    Args:
        value: of dictionaries, lists and texts, perhaps others.
        start: the end of the line before, and the indent of this value.
    """
    if isinstance(value, str):
        return encode_basestring(value)
    inner = f"{start} "
    if isinstance(value, dict) and value:
        parts = [f"{encode_basestring(key)}: {_indented(value[key], inner)}" for key in value]
        return f"{{{inner}{f',{inner}'.join(parts)}{start}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join([_indented(part, inner) for part in value])}{start}]"
    return json.dumps(value, ensure_ascii=False)


def _node(expanded: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, values in expanded.items():
        if path.startswith("@"):
            found[path] = values
        elif path == _TYPE:
            found["@type"] = [_short(value["@id"]) for value in values]
        else:
            name = _short(path)
            told = [_value(name, value) for value in values]
            found[name] = told[0] if len(told) == 1 else told
    return found


def _value(name: str, value: dict[str, Any]) -> Any:
    """A value without what the context says of it."""
    term = _context().get(name)
    kind = term.get("@type", "") if isinstance(term, dict) else ""
    if kind == "@id" and value.keys() == {"@id"}:
        return value["@id"]
    plain = value.keys() == {"@value"} and not kind
    typed = value.keys() == {"@value", "@type"} and value["@type"] == kind
    return value["@value"] if (plain or typed) and isinstance(value["@value"], str) else value


@cache
def _short(iri: str) -> str:
    """The name of a term, else an IRI by its prefix where it has one, else the IRI."""
    if iri in terms():
        return last_part(iri)
    short = shorten(iri)
    return short if short.partition(":")[0] in _context() else iri


@cache
def _context() -> dict[str, Any]:
    """Each term by its own name, and each prefix that is not the name of a term."""
    model = Model.installed().graph
    datatypes = prefixes()["xsd"]
    links = {node.value for node in model.instances("owl:ObjectProperty")}
    found: dict[str, Any] = {}
    for iri in sorted(terms()):
        name = last_part(iri)
        ranges = [text_of(node) for node in model.objects(named(f"cp:{name}"), "rdfs:range")]
        kind = "@id" if iri in links else next((r for r in ranges if r.startswith(datatypes)), "")
        found[name] = {"@id": iri, "@type": kind} if kind else iri
    return {**prefixes(), **found}
