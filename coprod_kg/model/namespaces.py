"""Prefixes of the vocabularies, expansion of short names, and terms of the ontology.

The one list of prefixes is ``ontology/prefixes.ttl``, that of terms ``ontology/coprod.ttl``. Here
too are the licence of data and model, and the bases of a claim that are secondary coding.
"""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.model.files import files, read

__all__ = [
    "LICENCE",
    "LICENCE_NAME",
    "SECONDARY",
    "SLUG",
    "expand",
    "is_secondary",
    "last_part",
    "named",
    "prefixes",
    "prologue",
    "shorten",
    "term",
    "terms",
]


_SH = "http://www.w3.org/ns/shacl#"
_IS_DEFINED_BY = "http://www.w3.org/2000/01/rdf-schema#isDefinedBy"
_LOCAL_STOPS = frozenset("/#?")

SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""The local name of a thing, a query, a token: words in lower case, hyphens between them."""

LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
LICENCE_NAME: Final = "CC BY 4.0"


@cache
def prefixes() -> Mapping[str, str]:
    """Every prefix and its namespace, in the order of the prefixes."""
    declarations: dict[str, dict[str, str]] = {}
    for triple in read(files("ontology") / "prefixes.ttl"):
        if triple.predicate.value in (f"{_SH}prefix", f"{_SH}namespace"):
            key = triple.predicate.value.removeprefix(_SH)
            declarations.setdefault(str(triple.subject), {})[key] = _value(triple)
    pairs = sorted(
        (declaration["prefix"], declaration["namespace"]) for declaration in declarations.values()
    )
    return MappingProxyType(dict(pairs))


@cache
def prologue() -> str:
    """The declarations of all prefixes, as SPARQL and Turtle take them."""
    return "".join(f"PREFIX {prefix}: <{space}>\n" for prefix, space in prefixes().items())


@cache
def terms() -> frozenset[str]:
    """The IRIs of all classes and properties that the ontology defines."""
    return frozenset(
        triple.subject.value
        for triple in read(files("ontology") / "coprod.ttl")
        if triple.predicate.value == _IS_DEFINED_BY and isinstance(triple.subject, ox.NamedNode)
    )


def term(name: str) -> str:
    """The IRI of the ontology's term with this local name.

    Raises:
        ModelError: the ontology does not define it.
    """
    iri = prefixes()["cp"] + name
    if iri not in terms():
        raise ModelError(
            f"the ontology defines no term cp:{name}",
            where="ontology/coprod.ttl",
            fix="Define it there with label, definition and source, or use a term that it has.",
        )
    return iri


def expand(name: str) -> str:
    """The full IRI of a short name such as ``cp:Initiative``.

    Raises:
        WrongUsage: it has no colon, or its prefix is unknown.
    """
    prefix, colon, local = name.partition(":")
    if not colon or prefix not in prefixes():
        raise WrongUsage(
            f"{name!r} does not start with a known prefix and a colon",
            fix=f"The prefixes are: {', '.join(prefixes())}.",
        )
    return prefixes()[prefix] + local


@cache
def named(name: str) -> ox.NamedNode:
    """The node of a short name such as ``cp:Initiative``, made once.

    Raises:
        WrongUsage: it has no colon, or its prefix is unknown.
    """
    return ox.NamedNode(expand(name))


def shorten(iri: str) -> str:
    """The short name of an IRI, or the IRI itself where no prefix fits.

    The longest namespace wins; what is left must be one plain segment.
    """
    fitting = [
        (len(space), prefix)
        for prefix, space in prefixes().items()
        if iri.startswith(space) and len(iri) > len(space)
    ]
    if not fitting:
        return iri
    length, prefix = max(fitting)
    local = iri[length:]
    return iri if _LOCAL_STOPS & set(local) else f"{prefix}:{local}"


def last_part(iri: str) -> str:
    """What stands after the last ``/`` or ``#`` of an IRI that are not its end.

    >>> last_part("https://w3id.org/coprod/ontology#currentStage"), last_part("urn:a/b/")
    ('currentStage', 'b')
    """
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2] or iri


def _value(triple: ox.Triple) -> str:
    if isinstance(triple.object, ox.Literal):
        return triple.object.value
    raise ModelError("a prefix and a namespace are literals", where="ontology/prefixes.ttl")


SECONDARY: Final = frozenset({expand("basis:secondary-coding"), expand("basis:adjudicated-coding")})
"""Coding by a reader of published sources, and the decision between two such codings."""


def is_secondary(basis: str) -> bool:
    """Whether this basis, an IRI, is secondary coding."""
    return basis in SECONDARY
