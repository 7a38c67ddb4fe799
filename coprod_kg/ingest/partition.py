"""Partition of a table's statements by organisation, one graph for each.

An organisation owns its own description, the initiatives it runs (of several runners the first
by name), and the claims about either. What describes no organisation's work by itself (evidence,
agents, services, organisations that run nothing) goes along with whatever refers to it: to each,
where several do, for a statement said twice is one statement.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand, term

__all__ = ["OrganisationPart", "parts_of"]

_TYPE: Final = expand("rdf:type")
_ORGANISATION: Final = expand("org:Organization")


@dataclass(frozen=True, slots=True)
class OrganisationPart:
    """The statements that belong to one organisation.

    Attributes:
        organisation: the last part of its IRI.
        triples: its statements.
    """

    organisation: str
    triples: tuple[ox.Triple, ...]


def parts_of(triples: Sequence[ox.Triple], base_iri: str) -> list[OrganisationPart]:
    """Partition statements by organisation, in the order of their names.

    Args:
        triples: the statements; every subject has an IRI.
        base_iri: where data lives.
    """
    by_subject: dict[str, list[ox.Triple]] = {}
    for triple in triples:
        by_subject.setdefault(_value(triple.subject), []).append(triple)
    owners = _owners(by_subject)
    members: dict[str, list[str]] = {}
    for subject, owner in owners.items():
        members.setdefault(owner, []).append(subject)
    taken: set[str] = set()
    stem = f"{base_iri}id/organisation/"
    parts: dict[str, list[str]] = {}
    for owner in sorted(members):
        parts[owner] = _with_referents(members[owner], by_subject, owners)
        taken.update(parts[owner])
    for leftover in sorted(by_subject.keys() - taken):  # nobody refers to it
        owner = leftover if leftover.startswith(stem) else next(iter(parts), leftover)
        parts.setdefault(owner, []).append(leftover)
    return [
        OrganisationPart(
            owner.removeprefix(stem),
            tuple(statement for s in sorted(subjects) for statement in by_subject[s]),
        )
        for owner, subjects in sorted(parts.items())
    ]


def _owners(by_subject: Mapping[str, Sequence[ox.Triple]]) -> dict[str, str]:
    """Each initiative, running organisation and claim → its organisation."""
    run_by, about = term("runBy"), term("about")
    owners: dict[str, str] = {}
    for subject, triples in by_subject.items():
        runners = sorted(_objects(triples, run_by))
        if runners:
            owners[subject] = runners[0]
            owners.setdefault(runners[0], runners[0])
    for subject, triples in by_subject.items():
        for iri in sorted(_objects(triples, about))[:1]:
            if iri in owners:
                owners[subject] = owners[iri]
            elif _ORGANISATION in _objects(by_subject.get(iri, ()), _TYPE):
                owners[subject] = owners[iri] = iri
    return owners


def _with_referents(
    subjects: Iterable[str],
    by_subject: Mapping[str, Sequence[ox.Triple]],
    owners: Mapping[str, str],
) -> list[str]:
    """The subjects, and what they refer to that no organisation owns, and so on."""
    reached = dict.fromkeys(subjects)
    queue = deque(reached)
    while queue:
        for triple in by_subject.get(queue.popleft(), ()):
            if not isinstance(triple.object, ox.NamedNode):
                continue
            referent = triple.object.value
            if referent in by_subject and referent not in owners and referent not in reached:
                reached[referent] = None
                queue.append(referent)
    return [subject for subject in reached if subject in by_subject]


def _objects(triples: Iterable[ox.Triple], predicate: str) -> list[str]:
    return [_value(triple.object) for triple in triples if triple.predicate.value == predicate]


def _value(node: Any) -> str:
    return str(node.value)
