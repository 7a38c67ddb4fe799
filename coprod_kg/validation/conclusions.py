"""RDF statements that record the judgements of stages.

Each subject gets ``cp:supportedStage``, ``cp:meetsCriterion`` and ``cp:missesCriterion``. Where the
data have a finding on a criterion, a ``cp:Verdict`` holds it and names the things that it rests on;
where nothing is on record nothing was found, and ``cp:missesCriterion`` says all.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.graph import RDF_TYPE
from coprod_kg.model.namespaces import term
from coprod_kg.validation.profiles import CriterionFinding, Judgement, Verdict

__all__ = ["conclusions"]

_SCHEME: Final = "https://w3id.org/coprod/vocab/finding/"
_LABEL: Final = ox.NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
_MOST_THINGS: Final = 8
"""Things that one verdict names: enough to look at, however many there are."""


def conclusions(judgements: Iterable[Judgement], base_iri: str) -> list[ox.Triple]:
    """The statements that record these judgements.

    Args:
        judgements: the judgements.
        base_iri: where data lives.
    """
    terms = _Terms()
    triples: list[ox.Triple] = []
    for judgement in judgements:
        subject = ox.NamedNode(judgement.subject)
        for stage in judgement.supported:
            triples.append(ox.Triple(subject, terms.supported, ox.NamedNode(stage)))
        for verdict in judgement.verdicts:
            criterion = _node(verdict.criterion.iri)
            predicate = terms.meets if verdict.met else terms.misses
            triples.append(ox.Triple(subject, predicate, criterion))
            triples.extend(_verdict(terms, subject, verdict, base_iri))
    return triples


class _Terms:
    """The terms that are written, looked up once."""

    def __init__(self) -> None:
        self.supported = ox.NamedNode(term("supportedStage"))
        self.meets = ox.NamedNode(term("meetsCriterion"))
        self.misses = ox.NamedNode(term("missesCriterion"))
        self.verdict = ox.NamedNode(term("Verdict"))
        self.on = ox.NamedNode(term("verdictOn"))
        self.criterion = ox.NamedNode(term("criterion"))
        self.rests = ox.NamedNode(term("restsOn"))
        self.finding = ox.NamedNode(term("hasFinding"))


def _verdict(
    terms: _Terms, subject: ox.NamedNode, verdict: Verdict, base_iri: str
) -> Iterator[ox.Triple]:
    if verdict.finding is CriterionFinding.NOT_CODED:
        return
    things = list(islice(_things(subject, verdict, f"{base_iri}id/"), _MOST_THINGS))
    if not things:  # met or excluded by what the data do not say
        return
    node = ox.NamedNode(f"{base_iri}id/verdict/{_slug(subject, verdict, base_iri)}")
    answer = "met" if verdict.met else "not met"
    yield ox.Triple(node, RDF_TYPE, terms.verdict)
    yield ox.Triple(node, terms.on, subject)
    yield ox.Triple(node, terms.criterion, _node(verdict.criterion.iri))
    yield ox.Triple(node, _LABEL, ox.Literal(f"{verdict.criterion.name}: {answer}", language="en"))
    for name in _findings(verdict):
        yield ox.Triple(node, terms.finding, _node(f"{_SCHEME}{name}"))
    for thing in things:
        yield ox.Triple(node, terms.rests, thing)


def _findings(verdict: Verdict) -> tuple[str, ...]:
    """The concepts of the scheme finding: two where claims differ."""
    if verdict.finding is CriterionFinding.CONTESTED:
        return (CriterionFinding.HOLDS, CriterionFinding.DOES_NOT_HOLD)
    return (verdict.finding,)


def _things(subject: ox.NamedNode, verdict: Verdict, stem: str) -> Iterator[ox.NamedNode]:
    """The things of the data in the statements that decided a criterion, each once."""
    seen = {subject}
    for name in (*verdict.denied, *verdict.searched):
        if name.startswith(stem):
            seen.add(ox.NamedNode(name))
            yield ox.NamedNode(name)
    for triple in verdict.triples:
        for node in (triple.subject, triple.object):
            if isinstance(node, ox.NamedNode) and node.value.startswith(stem) and node not in seen:
                seen.add(node)
                yield node


def _slug(subject: ox.NamedNode, verdict: Verdict, base_iri: str) -> str:
    kind, _, name = subject.value.removeprefix(f"{base_iri}id/").partition("/")
    return f"{kind}-{name}-{_words(verdict.criterion.iri)}".lower()


@cache
def _words(criterion: str) -> str:
    """The words of a criterion's name, with hyphens."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", criterion.rpartition("#")[2])


@cache
def _node(iri: str) -> ox.NamedNode:
    """A term of the model: a criterion or a finding."""
    return ox.NamedNode(iri)
