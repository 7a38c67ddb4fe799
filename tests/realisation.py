"""Realisation of data by HermiT or Pellet: the entailed types and object properties.

For comparison: what the rules infer at every commit must be what a reasoner infers. Types and
object properties between named things count, said or concluded alike; what holds of everything
(``owl:Thing``, ``owl:topObjectProperty``) and of blank nodes does not.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.hierarchy import read_classification
from coprod_kg.reasoning.java import HERMIT, PELLET, JavaOutput, Program, run

__all__ = ["Fact", "by_hermit", "by_pellet"]

Fact = tuple[str, str, str]
"""Subject, predicate and object, each an IRI."""

_TYPE = re.compile(r"^Type\( <([^>]+)> <([^>]+)> \)$", re.MULTILINE)
_VALUES = re.compile(r"^<([^>]+)> \(known instances: (.*?)\| possible instances:", re.MULTILINE)
_PAIR = re.compile(r"\(<([^>]+)>, <([^>]+)>\)")
_TOLD = re.compile(r"^PROPINST: (\S+) (\S+) (\S+)$", re.MULTILINE)
_OWL = expand("owl:")


def by_hermit(triples: Sequence[ox.Triple], seconds: float = 600.0) -> frozenset[Fact]:
    """The facts that HermiT entails from the premises.

    It prints no value of a property that is transitive or above another but for those said of
    the property itself, though it reckons with them; Pellet prints them all.

    Raises:
        ModelError: HermiT cannot reason on them; they are inconsistent, for one.
    """
    text = _output(HERMIT, ("-c", "-O", "-D", "-I", "-Y"), triples, seconds).text
    classes = read_classification(text)
    kind = expand("rdf:type")
    facts = {
        (thing, kind, ancestor)
        for thing, own in _TYPE.findall(text)
        for ancestor in classes.ancestors(own)
    }
    facts |= {
        (subject, predicate, value)
        for predicate, known in _VALUES.findall(text)
        for subject, value in _PAIR.findall(known)
    }
    return frozenset(_plain(facts))


def by_pellet(triples: Sequence[ox.Triple], seconds: float = 600.0) -> frozenset[Fact]:
    """The facts that Pellet entails from the premises.

    Raises:
        ModelError: Pellet cannot reason on them, or there is no Java 25.
    """
    loading = ("--loader", "Jena", "--input-format", "N-Triples", "--ignore-imports")
    options = ("realize", "--infer-prop-values", *loading)
    text = _output(PELLET, options, triples, seconds).text
    return frozenset(_plain({*_TOLD.findall(text), *_realised(text)}))


def _realised(text: str) -> Iterator[Fact]:
    """Read Pellet's tree: a class a line, indented below its parent, its things in brackets."""
    stack: list[tuple[int, tuple[str, ...]]] = []
    for line in text.splitlines():
        if line.startswith("PROPINST") or not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        names, _, things = line.strip().partition(" - ")
        while stack and stack[-1][0] >= depth:
            stack.pop()
        above = stack[-1][1] if stack else ()
        stack.append((depth, (*above, *names.split(" = "))))
        for thing in things.strip("()").split(", ") if things else ():
            for kind in stack[-1][1]:
                yield thing, expand("rdf:type"), kind


def _output(
    program: Program, options: tuple[str, ...], triples: Sequence[ox.Triple], seconds: float
) -> JavaOutput:
    with tempfile.TemporaryDirectory(prefix="coprod-reasoning-") as folder:
        file = Path(folder) / "premises.nt"
        ox.serialize(triples, file, ox.RdfFormat.N_TRIPLES)
        place = file.as_uri() if program is HERMIT else str(file)
        output = run(program, (*options, place), seconds)
    if output.code:
        raise ModelError(
            f"{program.name} cannot reason on this: {output.errors.strip()[:300]}",
            fix="See what coprod-kg check-ontology says of the same files.",
        )
    return output


def _plain(facts: set[Fact]) -> Iterator[Fact]:
    for subject, predicate, value in facts:
        if ":" not in subject or "Anonymous" in subject:
            continue
        if not predicate.startswith(_OWL) and not value.startswith(_OWL):
            yield subject, predicate, value
