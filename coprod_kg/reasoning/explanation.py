"""Justifications from Pellet: the axioms that make an ontology inconsistent or a class empty."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.model.namespaces import shorten
from coprod_kg.reasoning.java import PELLET, run

__all__ = ["Clash", "explain"]

Clash = tuple[str, ...]
"""The axioms of one justification: leave any of them out, and this clash is gone."""

_NUMBERED = re.compile(r"^ *\d+\) {2,}", re.MULTILINE)
_WORD = re.compile(r"[^\s(),{}\[\]\"]+")


def explain(
    triples: Iterable[ox.Triple], file: Path, seconds: float, empty: str | None = None
) -> tuple[Clash, ...]:
    """The axioms that clash; none where Pellet cannot say (an older Java, for one).

    Args:
        triples: what was reasoned on, to give names their prefixes back.
        file: the same as RDF/XML.
        seconds: how long Pellet may take.
        empty: the IRI of a class that can have no instance; otherwise the whole is explained.
    """
    aim = ("--unsat", empty) if empty else ("--inconsistent",)
    output = run(PELLET, ("explain", *aim, "--ignore-imports", str(file)), seconds)
    _, marker, text = output.text.partition("Explanation(s):")
    if output.code or not marker:
        return ()
    names = _names(triples)
    parts = _NUMBERED.split(text)[1:]
    return tuple(tuple(_axioms(part, names)) for part in parts)


def _axioms(text: str, names: dict[str, str]) -> list[str]:
    """The lines of one justification; a line that goes on below is put back together."""
    axioms: list[str] = []
    for line in text.splitlines():
        words = _WORD.sub(lambda match: names.get(match[0], match[0]), line.strip())
        if not words:
            continue
        if axioms and axioms[-1].count("(") > axioms[-1].count(")"):
            axioms[-1] += f" {words}"
        else:
            axioms.append(words)
    return axioms


def _names(triples: Iterable[ox.Triple]) -> dict[str, str]:
    """From local name, which is all that Pellet prints, to short name, where only one fits."""
    iris = {
        part.value
        for triple in triples
        for part in (triple.subject, triple.predicate, triple.object)
        if isinstance(part, ox.NamedNode)
    }
    names: dict[str, set[str]] = defaultdict(set)
    for iri in iris:
        names[re.split(r"[/#]", iri)[-1]].add(iri)
    return {local: name for local, those in names.items() if local and (name := _only(those))}


def _only(iris: set[str]) -> str | None:
    """The one short name among them, or the one IRI; None where there is a choice."""
    short = [name for iri in iris if (name := shorten(iri)) != iri]
    names = short or sorted(iris)
    return names[0] if len(names) == 1 else None
