"""Findings on what an RDF parser drops: JSON-LD keys without a meaning, names of graphs."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import quote, unquote

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand
from coprod_kg.validation.report import Finding, Severity, Spot

__all__ = ["of_graphs", "of_keys"]

_NO_MEANING: Final = "urn:coprod-kg:no-meaning:"
_PLAIN: Final = re.compile(r"[\w.~-]+")
_KEYWORDS: Final = frozenset(
    f"@{name}"
    for name in (
        *("base", "container", "context", "direction", "graph", "id", "import", "included"),
        *("index", "json", "language", "list", "nest", "none", "prefix", "propagate"),
        *("protected", "reverse", "set", "type", "value", "version", "vocab"),
    )
)
_MOST_FINDINGS: Final = 50


def of_keys(text: str, base_iri: str) -> tuple[Finding, ...]:
    """The keys of a JSON-LD document that its context gives no meaning: a parser drops them.

    The document is parsed once more with a vocabulary for what has none: whatever lands in it was
    dropped the first time.

    Args:
        text: the document, which the parser has taken.
        base_iri: what relative IRIs are resolved against.
    """
    try:
        document = json.loads(text)
        known_keys = sorted(_terms(document))
        respelt_text = json.dumps(_with_vocabulary(_respelt(document, frozenset(known_keys))))
    except (RecursionError, ValueError):
        return ()
    counts: Counter[str] = Counter()
    with suppress(SyntaxError):
        for quad in ox.parse(respelt_text, ox.RdfFormat.JSON_LD, base_iri=base_iri):
            if quad.predicate.value.startswith(_NO_MEANING):
                counts[unquote(quad.predicate.value.removeprefix(_NO_MEANING))] += 1
    for key in _keys(document):
        if re.fullmatch(r"@[A-Za-z]+", key) and key not in _KEYWORDS:
            counts[key] += 1
    return tuple(
        _no_meaning(
            key, text, [*known_keys, *sorted(_KEYWORDS)] if key[0] == "@" else known_keys, base_iri
        )
        for key in list(counts)[:_MOST_FINDINGS]
    )


def of_graphs(quads: Iterable[ox.Quad], base_iri: str) -> tuple[Finding, ...]:
    """A finding that the names of graphs are dropped: the organisation decides the graph."""
    names = {str(quad.graph_name) for quad in quads} - {str(ox.DefaultGraph())}
    examples = ", ".join(sorted(names)[:3]) + (" …" if len(names) > 3 else "")
    if not names:
        return ()
    return (
        Finding(
            Severity.WARNING,
            f"{base_iri}id/",
            None,
            None,
            f"The file names graphs ({examples}), and their names are not kept: all its statements "
            "enter the one graph of its organisation.",
            expand("cps:NamedGraph"),
            expand("cps:NamedGraphConstraintComponent"),
            fix="Leave the names out if nothing hangs on them; send what belongs to several "
            "organisations in several files.",
        ),
    )


def _no_meaning(key: str, text: str, known_keys: Sequence[str], base_iri: str) -> Finding:
    near = get_close_matches(key, known_keys, n=1, cutoff=0.72)
    fix = (
        f"Did you mean {json.dumps(near[0])}?"
        if near
        else "Add it to the @context, or take it out."
    )
    match = re.search(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:", text)
    return Finding(
        Severity.VIOLATION if near else Severity.WARNING,
        f"{base_iri}id/",
        None,
        None,
        f"The key {json.dumps(key[:80], ensure_ascii=False)} has no meaning in the @context, so "
        "what stands there is not read.",
        expand("cps:KnownKey"),
        expand("cps:KnownKeyConstraintComponent"),
        Spot(line=text.count("\n", 0, match.start()) + 1) if match else None,
        fix,
    )


def _terms(node: Any) -> set[str]:
    """Every term that any context in the document defines."""
    if isinstance(node, list):
        return set().union(*map(_terms, node))
    if not isinstance(node, dict):
        return set()
    terms = set().union(*(_terms(value) for value in node.values()))
    contexts = node.get("@context")
    for context in contexts if isinstance(contexts, list) else [contexts]:
        if isinstance(context, dict):
            terms |= {key for key in context if not key.startswith("@")}
    return terms


def _keys(node: Any) -> Iterator[str]:
    """Every key outside the contexts."""
    if isinstance(node, list):
        for value in node:
            yield from _keys(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield key
            if key != "@context":
                yield from _keys(value)


def _respelt(node: Any, known_keys: frozenset[str]) -> Any:
    """The document with keys that could be no end of an IRI written so that they can."""
    if isinstance(node, list):
        return [_respelt(value, known_keys) for value in node]
    if not isinstance(node, dict):
        return node
    return {
        key
        if key in known_keys or key[:1] == "@" or ":" in key or _PLAIN.fullmatch(key)
        else quote(key, safe=""): value if key == "@context" else _respelt(value, known_keys)
        for key, value in node.items()
    }


def _with_vocabulary(document: Any) -> Any:
    """The document with a vocabulary for every key that its own context does not define."""
    if isinstance(document, list):
        return [_with_vocabulary(member) for member in document]
    if not isinstance(document, dict):
        return document
    stated = document.get("@context")
    contexts = stated if isinstance(stated, list) else [stated]
    contexts_kept = [
        {key: value for key, value in context.items() if key != "@vocab" or value is not None}
        for context in contexts
        if isinstance(context, dict)
    ]
    return {**document, "@context": [{"@vocab": _NO_MEANING}, *contexts_kept]}
