"""Consistency and satisfiability of the ontology by HermiT, with justifications by Pellet."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError, Unreadable
from coprod_kg.model.namespaces import expand, shorten, term
from coprod_kg.reasoning.hierarchy import Branch, Classification, read_classification, tree
from coprod_kg.reasoning.java import HERMIT, PELLET, JavaOutput, run

__all__ = [
    "Check",
    "check",
    "consistent",
    "explain",
    "premises",
]


_SECONDS = 600.0
_MOST_EXPLAINED = 5

Clash = tuple[str, ...]
"""The axioms of one justification: leave any of them out, and this clash is gone."""

_NUMBERED = re.compile(r"^ *\d+\) {2,}", re.MULTILINE)
_WORD = re.compile(r"[^\s(),{}\[\]\"]+")

BASE_IRI = "https://w3id.org/coprod/"
_OWL_2_DATATYPES = frozenset(
    {
        "rdf:langString",
        "xsd:anyURI",
        "xsd:base64Binary",
        "xsd:boolean",
        "xsd:byte",
        "xsd:dateTime",
        "xsd:dateTimeStamp",
        "xsd:decimal",
        "xsd:double",
        "xsd:float",
        "xsd:hexBinary",
        "xsd:int",
        "xsd:integer",
        "xsd:language",
        "xsd:long",
        "xsd:Name",
        "xsd:NCName",
        "xsd:negativeInteger",
        "xsd:NMTOKEN",
        "xsd:nonNegativeInteger",
        "xsd:nonPositiveInteger",
        "xsd:normalizedString",
        "xsd:positiveInteger",
        "xsd:short",
        "xsd:string",
        "xsd:token",
        "xsd:unsignedByte",
        "xsd:unsignedInt",
        "xsd:unsignedLong",
        "xsd:unsignedShort",
    }
)


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict on an ontology.

    Attributes:
        consistent: whether the ontology has a model.
        unsatisfiable: the classes that can have no instance, by their IRIs.
        hierarchy: the inferred classes; empty where it is inconsistent.
        clashes: the axioms that clash, one tuple for each justification.
    """

    consistent: bool
    unsatisfiable: tuple[str, ...]
    hierarchy: tuple[Branch, ...]
    clashes: tuple[Clash, ...]

    @property
    def sound(self) -> bool:
        """Whether it is consistent and every class can have an instance."""
        return self.consistent and not self.unsatisfiable


def check(
    ontology_folder: Path,
    data: Sequence[Path] = (),
    base_iri: str = BASE_IRI,
    seconds: float = _SECONDS,
) -> Check:
    """Ask HermiT about the ontology and its schemes, and Pellet for the reasons.

    Args:
        ontology_folder: the folder with ``coprod.ttl`` and ``vocab/``.
        data: RDF files to check together with it.
        base_iri: what relative IRIs in the data are resolved against.
        seconds: how long each reasoner may take.

    Raises:
        ModelError: there is no Java, a reasoner fails, or a file of the ontology is at fault.
        Unreadable: a data file cannot be read.
    """
    triples = premises(ontology_folder, data, base_iri)
    with tempfile.TemporaryDirectory(prefix="coprod-reasoning-") as folder:
        classes = _classify(triples, Path(folder), seconds)
        file = Path(folder) / "premises.rdf"
        if classes is None or classes.unsatisfiable:
            ox.serialize(triples, file, ox.RdfFormat.RDF_XML)
        if classes is None:
            return Check(False, (), (), explain(triples, file, seconds))
        clashes = tuple(
            clash
            for unsatisfiable in classes.unsatisfiable[:_MOST_EXPLAINED]
            for clash in explain(triples, file, seconds, unsatisfiable)
        )
    return Check(True, classes.unsatisfiable, tree(_classes(triples), classes), clashes)


def consistent(triples: Sequence[ox.Triple], seconds: float = _SECONDS) -> bool:
    """Whether HermiT finds the statements consistent; quicker than `check`, which also classifies.

    Raises:
        ModelError: there is no Java, or HermiT fails.
    """
    with tempfile.TemporaryDirectory(prefix="coprod-reasoning-") as folder:
        file = Path(folder) / "premises.nt"
        ox.serialize(triples, file, ox.RdfFormat.N_TRIPLES)
        output = run(HERMIT, ("-k", file.as_uri()), seconds)
    return not _is_inconsistent(output)


def _classify(triples: Sequence[ox.Triple], folder: Path, seconds: float) -> Classification | None:
    """HermiT's classification, or None where the ontology is inconsistent."""
    file = folder / "premises.nt"
    ox.serialize(triples, file, ox.RdfFormat.N_TRIPLES)
    output = run(HERMIT, ("-c", file.as_uri()), seconds)
    return None if _is_inconsistent(output) else read_classification(output.text)


def _is_inconsistent(output: JavaOutput) -> bool:
    """Whether HermiT found the whole inconsistent.

    Raises:
        ModelError: it failed for another reason.
    """
    if output.code == 0:
        return False
    if "InconsistentOntologyException" in output.errors + output.text:
        return True
    raise ModelError(
        f"HermiT cannot reason on this: {output.errors.strip().splitlines()[0][:300]}"
        if output.errors.strip()
        else "HermiT ended with an error and no message"
    )


def _classes(triples: Sequence[ox.Triple]) -> frozenset[str]:
    kind, a_class = ox.NamedNode(expand("rdf:type")), ox.NamedNode(expand("owl:Class"))
    return frozenset(
        triple.subject.value
        for triple in triples
        if triple.predicate == kind
        and triple.object == a_class
        and isinstance(triple.subject, ox.NamedNode)
    )


def explain(
    triples: Iterable[ox.Triple], file: Path, seconds: float, unsatisfiable: str | None = None
) -> tuple[Clash, ...]:
    """The axioms that clash; none where Pellet cannot say (an older Java, for one).

    Args:
        triples: the premises, from which local names get their prefixes back.
        file: the premises as RDF/XML.
        seconds: how long Pellet may take.
        unsatisfiable: IRI of a class that can have no instance, or None for the whole ontology.
    """
    options = ("--unsat", unsatisfiable) if unsatisfiable else ("--inconsistent",)
    output = run(PELLET, ("explain", *options, "--ignore-imports", str(file)), seconds)
    _, marker, text = output.text.partition("Explanation(s):")
    if output.code or not marker:
        return ()
    names = _names(triples)
    parts = _NUMBERED.split(text)[1:]
    return tuple(tuple(_axioms(part, names)) for part in parts)


def _axioms(text: str, names: dict[str, str]) -> list[str]:
    """The axioms of one justification, each of which may span several lines."""
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
    """Local name, which is all that Pellet prints → short name, where only one fits."""
    iris = {
        part.value
        for triple in triples
        for part in (triple.subject, triple.predicate, triple.object)
        if isinstance(part, ox.NamedNode)
    }
    names: dict[str, set[str]] = defaultdict(set)
    for iri in iris:
        names[re.split(r"[/#]", iri)[-1]].add(iri)
    return {
        local: name
        for local, candidates in names.items()
        if local and (name := _only_name(candidates))
    }


def _only_name(iris: set[str]) -> str | None:
    """The one short name among them, or the one IRI; None where there is a choice."""
    short = [name for iri in iris if (name := shorten(iri)) != iri]
    names = short or sorted(iris)
    return names[0] if len(names) == 1 else None


def premises(
    folder: Path, data: Sequence[Path] = (), base_iri: str = BASE_IRI
) -> tuple[ox.Triple, ...]:
    """The triples to reason on.

    Args:
        folder: the folder of the ontology, with ``coprod.ttl`` and ``vocab/``.
        data: RDF files to add, in the formats of their endings.
        base_iri: what relative IRIs in the data are resolved against.

    Raises:
        ModelError: a file of the ontology cannot be read.
        Unreadable: a data file cannot be read.
    """
    triples: list[ox.Triple] = []
    for path in (folder / "coprod.ttl", *sorted((folder / "vocab").glob("*.ttl"))):
        try:
            triples += _read(path, base_iri)
        except (OSError, SyntaxError, ValueError) as error:
            raise ModelError(f"it cannot be read: {error}", where=str(path)) from error
    for path in data:
        try:
            triples += _read(path, base_iri)
        except (OSError, SyntaxError, ValueError) as error:
            raise Unreadable(f"it cannot be read: {error}", where=str(path)) from error
    return (*triples, *_all_different(_organisations(triples)))


def _read(path: Path, base_iri: str) -> Iterator[ox.Triple]:
    for quad in ox.parse(path=path, base_iri=base_iri):
        value = quad.object
        if not isinstance(value, ox.Literal) or shorten(value.datatype.value) in _OWL_2_DATATYPES:
            yield quad.triple


def _organisations(triples: Iterable[ox.Triple]) -> list[ox.NamedNode]:
    kinds = {expand("org:Organization"), expand("org:OrganizationalUnit")}
    iris: set[str] = set()
    for triple in triples:
        predicate, value = triple.predicate.value, triple.object
        if not isinstance(value, ox.NamedNode) or not isinstance(triple.subject, ox.NamedNode):
            continue
        if predicate == expand("rdf:type") and value.value in kinds:
            iris.add(triple.subject.value)
        elif predicate == term("runBy"):
            iris.add(value.value)
        elif predicate == term("runs"):
            iris.add(triple.subject.value)
    return [ox.NamedNode(iri) for iri in sorted(iris)]


def _all_different(members: Sequence[ox.NamedNode]) -> Iterator[ox.Triple]:
    if len(members) < 2:
        return
    first, rest, nil = (ox.NamedNode(expand(f"rdf:{name}")) for name in ("first", "rest", "nil"))
    axiom, cells = ox.BlankNode(), [ox.BlankNode() for _ in members]
    yield ox.Triple(
        axiom, ox.NamedNode(expand("rdf:type")), ox.NamedNode(expand("owl:AllDifferent"))
    )
    yield ox.Triple(axiom, ox.NamedNode(expand("owl:distinctMembers")), cells[0])
    following: list[ox.BlankNode | ox.NamedNode] = [*cells[1:], nil]
    for cell, member, next_cell in zip(cells, members, following, strict=True):
        yield ox.Triple(cell, first, member)
        yield ox.Triple(cell, rest, next_cell)
