"""Conclusions from axioms and from SPARQL updates to a fixpoint; what was said stays apart.

Most rules are compiled from the axioms of the ontology. What OWL cannot say (the newest of several
dated claims, for one) stands in ``queries/rules/NN-name.ru``: updates that read and write the
default graph, run in the order of their names, by turns with the compiled rules.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.reasoning.axioms import Axioms
from coprod_kg.reasoning.facts import TYPE, Fact, Facts

__all__ = ["Rules"]

_MOST_ROUNDS: Final = 50


class Rules:
    """The rules, with the ontology and schemes in their background.

    Args:
        rules: files of SPARQL updates.
        background: the statements of the ontology and its schemes.

    Raises:
        ModelError: a rule is not a SPARQL update, or an axiom has a form for which there is none.
    """

    def __init__(self, rules: Sequence[Path], background: Iterable[ox.Triple]) -> None:
        self._files = [(path, path.read_text(encoding="utf-8")) for path in sorted(rules)]
        given = list(background)
        self._terms: dict[str, Any] = {}
        axioms = Axioms(given)
        self._facts = Facts(axioms.rules)
        self._store = ox.Store()
        self._known: set[ox.Quad] = set()
        self._to_fixpoint([*given, *axioms.subclasses], [], [])
        self._known = set(self._store)
        self._described = {one.subject for one in self._known}

    @property
    def background(self) -> list[ox.Triple]:
        """The background with what follows from it."""
        return [one.triple for one in self._known]

    def infer(self, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
        """What follows from these statements and is not among them, sorted.

        Nothing about the terms of the ontology and the concepts of the schemes is among it.
        """
        said = dict.fromkeys(triples)
        facts: list[Fact] = []
        quads: list[ox.Quad] = []
        try:
            self._to_fixpoint(said, facts, quads)
        finally:
            self._facts.remove(facts)
            self._restore(quads)
            self._terms.clear()
        found = dict.fromkeys(one.triple for one in quads if one.subject not in self._described)
        return sorted((one for one in found if one not in said), key=str)

    def _to_fixpoint(
        self, triples: Iterable[ox.Triple], facts: list[Fact], quads: list[ox.Quad]
    ) -> None:
        """Take the two kinds of rules by turns.

        Args:
            triples: what is said.
            facts: gets what the compiled rules made of it.
            quads: gets all that is new in the store.
        """
        fresh = self._stored(triples, quads)
        for _ in range(_MOST_ROUNDS):
            added = self._facts.add(
                self._fact(one) for one in fresh if self._facts.concerns(str(one.predicate))
            )
            facts.extend(added)
            self._stored((self._triple(one) for one in added if _is_said(one)), quads)
            fresh = self._updated(quads)
            if not fresh:
                return
        raise ModelError(f"the rules have no end after {_MOST_ROUNDS} rounds")

    def _stored(self, triples: Iterable[ox.Triple], quads: list[ox.Quad]) -> list[ox.Quad]:
        """Put statements into the store; those that are not in the background."""
        fresh = [one for one in (ox.Quad(*triple) for triple in triples) if one not in self._known]
        self._store.extend(fresh)
        quads.extend(fresh)
        return fresh

    def _updated(self, quads: list[ox.Quad]) -> list[ox.Quad]:
        """What the files of rules add to the store."""
        before = len(self._store)
        for path, text in self._files:
            try:
                self._store.update(text)
            except SyntaxError as error:
                message = f"this is no SPARQL update: {error}"
                raise ModelError(message, where=str(path)) from None
        more = len(self._store) - before
        if not more:
            return []
        old = set(quads)
        nodes = dict.fromkeys(node for one in quads for node in (one.subject, one.object))
        near = [one for node in nodes for one in self._about(node)]
        found = list(dict.fromkeys(one for one in near if self._is_new(one, old)))
        if len(found) != more:
            found = [one for one in self._store if self._is_new(one, old)]
        quads.extend(found)
        return found

    def _about(self, node: Any) -> Iterable[ox.Quad]:
        if isinstance(node, ox.Literal):
            return ()
        return self._store.quads_for_pattern(node, None, None)

    def _is_new(self, quad: ox.Quad, old: set[ox.Quad]) -> bool:
        return quad not in self._known and quad not in old

    def _restore(self, quads: Iterable[ox.Quad]) -> None:
        """Take everything out of the store that is not in the background."""
        for one in quads:
            self._store.remove(one)
        if len(self._store) != len(self._known):
            self._store = ox.Store()
            self._store.extend(self._known)

    def _fact(self, quad: ox.Quad) -> Fact:
        subject, predicate, obj = str(quad.subject), str(quad.predicate), str(quad.object)
        self._terms[subject], self._terms[obj] = quad.subject, quad.object
        return subject, predicate, obj

    def _triple(self, fact: Fact) -> ox.Triple:
        return ox.Triple(*(self._term(one) for one in fact))

    def _term(self, text: str) -> Any:
        if text not in self._terms:
            self._terms[text] = _parsed(text)
        return self._terms[text]


def _is_said(fact: Fact) -> bool:
    """Whether it is a statement, and not a step on the way of the compiled rules."""
    return fact[1] != TYPE or fact[2][0] == "<"


def _parsed(text: str) -> Any:
    if text[0] == "<":
        return ox.NamedNode(text[1:-1])
    if text[0] == "_":
        return ox.BlankNode(text[2:])
    line = f"<urn:x> <urn:x> {text} .".encode()
    return next(ox.parse(line, format=ox.RdfFormat.N_TRIPLES)).object
