"""The part of the data that some commits touched, as it was before them and as it is now.

Two things are in one part where a chain of statements leads from one to the other, whichever way
these point. The model leads nowhere, nor does an agent: a claimant has made the claims of many
initiatives. So no statement joins the part to the rest of the data, and what a question finds in
the part is found there alone.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.model.terms import serialise
from coprod_kg.settings import Settings
from coprod_kg.store.changes import read_changes
from coprod_kg.store.directory import DataDirectory

__all__ = ["TouchedPart", "touched_part"]

_MOST_THINGS: Final = 5_000
"""A part of more things is no small part: the questions are then asked over all the data."""
_SAID: Final = (
    "CONSTRUCT {{ ?thing ?path ?value }} WHERE {{ VALUES ?thing {{ {} }} ?thing ?path ?value }}"
)
_REFERRING: Final = (
    "CONSTRUCT {{ ?other ?path ?thing }} WHERE {{ VALUES ?thing {{ {} }} ?other ?path ?thing }}"
)
_MODEL: Final = (
    "CONSTRUCT {{ ?thing ?path ?value }} WHERE {{"
    " {{ SELECT DISTINCT ?thing WHERE {{ GRAPH {} {{ ?thing ?any ?other }} }} }}"
    " ?thing ?path ?value }}"
)
"""All that is said of what the model describes: organisations may say more of it."""

_Ask: TypeAlias = Callable[[str, int], bytes]


@dataclass(frozen=True, slots=True)
class TouchedPart:
    """A part of the data in two versions, as N-Triples.

    Attributes:
        model: what is said of the terms of the model, alike in both versions.
        before: the part in the older version.
        after: the part in the newer one.
    """

    model: bytes
    before: bytes
    after: bytes


def touched_part(ask: _Ask, settings: Settings, older: int, newer: int) -> TouchedPart | None:
    """The part that the versions after one and up to another touched.

    Args:
        ask: the answer to a text over a version, as N-Triples.
        settings: the base IRI and the data directory.
        older: a version that can be asked.
        newer: a later one.

    Returns:
        None where it is not known what they touched, where the model changed, or where the part is
        no small one.

    Raises:
        CoprodError: what `ask` raises.
    """
    touched, changes = set[str](), DataDirectory(settings.data).changes
    base_iri = settings.base_iri
    for number in range(older + 1, newer + 1):
        noted = read_changes(changes, number)
        if noted is None or noted.others:
            return None
        touched.update(thing.iri for thing in noted.things)
    versions = before, after = _Version(ask, older), _Version(ask, newer)
    graph = serialise(ox.NamedNode(f"{base_iri}graph/ontology"))
    model = ask(_MODEL.format(graph), newer)
    try:
        _follow_links(touched, versions, base_iri, _subjects(model))
    except _NoSmallPart:
        return None
    return TouchedPart(model, before.lines(), after.lines())


class _NoSmallPart(Exception):
    """The part is too large, or it has no borders that could be known."""


@dataclass(slots=True)
class _Version:
    """What one version says of the things of the part.

    Attributes:
        ask: the answer to a text over a version, as N-Triples.
        number: that of the version.
        said: the statements about the things.
    """

    ask: _Ask
    number: int
    said: set[ox.Triple] = field(default_factory=set)

    def triples(self, template: str, things: Collection[str]) -> set[ox.Triple]:
        """The statements that a template finds of things."""
        if not things:
            return set()
        terms = " ".join(serialise(ox.NamedNode(iri)) for iri in sorted(things))
        quads = ox.parse(self.ask(template.format(terms), self.number), ox.RdfFormat.N_TRIPLES)
        return {quad.triple for quad in quads}

    def lines(self) -> bytes:
        """What is said, as N-Triples."""
        return ox.serialize(self.said, format=ox.RdfFormat.N_TRIPLES) or b""


def _follow_links(
    touched: set[str], versions: Collection[_Version], base_iri: str, modelled: Collection[str]
) -> None:
    """Collect what each version says of the things to which links lead from those touched.

    Args:
        touched: the things from which to follow them.
        versions: where they are followed, each link of one in the other too.
        base_iri: what things are named under.
        modelled: what the model describes; nothing is followed through it.

    Raises:
        _NoSmallPart: there are too many, or a blank node is among them.
    """
    things, agents = f"{base_iri}id/", f"{base_iri}id/agent/"
    known, reached = set[str](), touched
    while reached:
        known |= reached
        if len(known) > _MOST_THINGS:
            raise _NoSmallPart
        named = set[str]()
        for version in versions:
            said = version.triples(_SAID, reached)
            version.said |= said
            named |= _names(said) | _names(version.triples(_REFERRING, reached))
        named -= known
        # Records of this software lie under the base IRI too, and are no part of what is asked.
        elsewhere = {iri for iri in named if not iri.startswith(base_iri)}.difference(modelled)
        agents_named = {iri for iri in named if iri.startswith(agents)}
        reached = {iri for iri in named if iri.startswith(things)} - agents_named
        for version in versions:
            version.said |= version.triples(_SAID, agents_named)
            described = version.triples(_SAID, elsewhere)
            reached |= {triple.subject.value for triple in described}  # type: ignore[union-attr]  # asked by name


def _names(triples: Iterable[ox.Triple]) -> set[str]:
    """The IRIs at both ends of statements.

    Raises:
        _NoSmallPart: a blank node is among them, or a statement.
    """
    ends = {end for triple in triples for end in (triple.subject, triple.object)}
    if any(isinstance(end, ox.BlankNode | ox.Triple) for end in ends):
        raise _NoSmallPart
    return {end.value for end in ends if isinstance(end, ox.NamedNode)}


def _subjects(lines: bytes) -> set[str]:
    """The IRIs of which something is said."""
    subjects = {quad.subject for quad in ox.parse(lines, ox.RdfFormat.N_TRIPLES)}
    return {subject.value for subject in subjects if isinstance(subject, ox.NamedNode)}
