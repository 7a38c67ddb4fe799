"""Consistency and satisfiability check of the ontology, alone or with data, by HermiT."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.namespaces import expand
from coprod_kg.reasoning.explanation import Clash, explain
from coprod_kg.reasoning.hierarchy import Branch, Classification, read_classification, tree
from coprod_kg.reasoning.java import HERMIT, JavaOutput, run
from coprod_kg.reasoning.premises import BASE_IRI, premises

__all__ = ["Check", "check", "consistent"]

_SECONDS = 600.0
_EXPLAINED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """The verdict on an ontology.

    Attributes:
        consistent: there is a world in which everything said holds.
        unsatisfiable: the classes that can have no instance, by their IRIs.
        hierarchy: the inferred classes; empty where it is inconsistent.
        clashes: for what is wrong, the axioms that clash, one tuple for each justification.
    """

    consistent: bool
    unsatisfiable: tuple[str, ...]
    hierarchy: tuple[Branch, ...]
    clashes: tuple[Clash, ...]

    @property
    def sound(self) -> bool:
        """It is consistent, and every class can have an instance."""
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
        base_iri: what relative IRIs in the data stand under.
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
            for empty in classes.unsatisfiable[:_EXPLAINED]
            for clash in explain(triples, file, seconds, empty)
        )
    return Check(True, classes.unsatisfiable, tree(_classes(triples), classes), clashes)


def consistent(triples: Sequence[ox.Triple], seconds: float = _SECONDS) -> bool:
    """HermiT's verdict alone, which is quicker than all that `check` finds.

    Raises:
        ModelError: there is no Java, or HermiT fails.
    """
    with tempfile.TemporaryDirectory(prefix="coprod-reasoning-") as folder:
        file = Path(folder) / "premises.nt"
        ox.serialize(triples, file, ox.RdfFormat.N_TRIPLES)
        output = run(HERMIT, ("-k", file.as_uri()), seconds)
    return not _refused(output)


def _classify(triples: Sequence[ox.Triple], folder: Path, seconds: float) -> Classification | None:
    """HermiT's classification, or None where the ontology is inconsistent."""
    file = folder / "premises.nt"
    ox.serialize(triples, file, ox.RdfFormat.N_TRIPLES)
    output = run(HERMIT, ("-c", file.as_uri()), seconds)
    return None if _refused(output) else read_classification(output.text)


def _refused(output: JavaOutput) -> bool:
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
