"""How the tests read the concept schemes; it never judges them."""

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import RDF, SKOS
from rdflib.term import Node

__all__ = [
    "CLASSES",
    "CP",
    "HOME",
    "LANGUAGES",
    "NOT_SCHEMES",
    "TOP",
    "VOCAB",
    "ancestors",
    "concepts",
    "graph",
    "languages",
    "listed",
    "slugs",
    "table",
]

TOP = Path(__file__).parent.parent.parent
VOCAB = TOP / "ontology" / "vocab"
LISTS = Path(__file__).parent
CP = Namespace("https://w3id.org/coprod/ontology#")
HOME = "https://w3id.org/coprod/vocab/"
LANGUAGES = ("da", "de", "en")
CLASSES = {
    "barrier": "Barrier",
    "barrier-status": "BarrierStatus",
    "basis": "Basis",
    "condition": "Condition",
    "confidence": "Confidence",
    "contribution": "Contribution",
    "coverage": "Coverage",
    "destination": "Destination",
    "direction": "Direction",
    "enabler": "Enabler",
    "evidence-kind": "EvidenceKind",
    "finding": "Finding",
    "government-level": "GovernmentLevel",
    "independence": "Independence",
    "influence": "Influence",
    "lay-level": "LayLevel",
    "learning-level": "LearningLevel",
    "learning-process": "LearningProcess",
    "organisation-kind": "OrganisationKind",
    "organisation-size": "OrganisationSize",
    "outcome-direction": "OutcomeDirection",
    "payment": "Payment",
    "phase": "Phase",
    "role": "Role",
    "sector": "Sector",
    "severity": "Severity",
    "stage": "Stage",
    "standpoint": "Standpoint",
    "status": "Status",
    "step": "Step",
    "value": "ValueKind",
}
NOT_SCHEMES = ("country", "hypotheses")


@cache
def graph(name: str) -> Graph:
    return Graph().parse(VOCAB / f"{name}.ttl", format="turtle")


def concepts(name: str) -> list[URIRef]:
    found = graph(name).subjects(RDF.type, SKOS.Concept)
    return sorted(one for one in found if isinstance(one, URIRef))


def slugs(name: str) -> set[str]:
    return {one.removeprefix(f"{HOME}{name}/") for one in concepts(name)}


def languages(nodes: Iterable[Node]) -> list[str]:
    return sorted(str(one.language) for one in nodes if isinstance(one, Literal))


def ancestors(name: str, concept: Node) -> set[Node]:
    above = graph(name).transitive_objects(concept, SKOS.broader)
    return {one for one in above if one is not None} - {concept}


def listed(name: str) -> set[str]:
    lines = (LISTS / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
