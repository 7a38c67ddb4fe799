"""Ownership of descriptions: an organisation describes itself, its units and what it runs.

A claim about anything is welcome, since it says who claims. What another organisation's data
describes is referred to: it may be repeated word for word, and is never described anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pyoxigraph as ox

from coprod_kg.ingest.changes import Statements, replaced
from coprod_kg.ingest.locate import in_table, in_turtle
from coprod_kg.ingest.outcome import Outcome
from coprod_kg.model.namespaces import expand, term
from coprod_kg.settings import Settings
from coprod_kg.validation.report import Finding, Report, Severity

__all__ = ["OWN_DESCRIPTION", "owned", "with_findings"]

OWN_DESCRIPTION: Final = expand("cps:OwnDescription")
"""The shape of findings on things that only their owner may describe."""
_UNIT_OF: Final = expand("org:unitOf")


def owned(
    outcomes: Sequence[Outcome],
    stored: Mapping[str, Mapping[str, Statements]],
    settings: Settings,
    *,
    own_only: bool,
) -> list[Outcome]:
    """The outcomes with a finding for each statement that its sender may not make.

    Args:
        outcomes: the checked files.
        stored: each thing that the files describe → graph → what the store says of it, the result
            of `coprod_kg.ingest.known.statements_elsewhere`.
        settings: the base IRI.
        own_only: whether an initiative that others run is a finding even where nobody describes
            it yet: so for a contributor; a curator may file what is written about others.
    """
    if len(outcomes) > 1:  # a single file can conflict with the store only
        stem = f"{settings.base_iri}graph/organisation/"
        entering = {
            f"{stem}{outcome.organisation}": outcome.checked.statements
            for outcome in outcomes
            if outcome.organisation
        }
        stored = replaced(stored, entering)
    return [
        with_findings(outcome, _findings(outcome, stored, settings.base_iri, own_only=own_only))
        if outcome.organisation and (stored or own_only)
        else outcome
        for outcome in outcomes
    ]


def with_findings(outcome: Outcome, findings: Iterable[Finding]) -> Outcome:
    """The outcome with more findings, with their cells where it is a table."""
    placed, checked = tuple(findings), outcome.checked
    if not placed:
        return outcome
    if checked.positions is not None:
        placed = in_table(placed, checked.positions, checked.headers)
    else:
        placed = tuple(map(in_turtle, placed))
    return replace(outcome, report=Report((*outcome.report.findings, *placed)))


def _findings(
    outcome: Outcome,
    stored: Mapping[str, Mapping[str, Statements]],
    base_iri: str,
    *,
    own_only: bool,
) -> Iterator[Finding]:
    by_thing = outcome.checked.statements
    organisation_iri = f"{base_iri}id/organisation/{outcome.organisation}"
    units = {
        organisation_iri,
        *(
            thing
            for thing, statements in by_thing.items()
            if organisation_iri in _objects(statements, _UNIT_OF)
        ),
    }
    stem = f"{base_iri}graph/organisation/"
    for thing, statements in by_thing.items():
        other_statements = {
            f"{base_iri}id/organisation/{graph.removeprefix(stem)}": their_statements
            for graph, their_statements in stored.get(thing, {}).items()
            if graph != stem + str(outcome.organisation)
        }
        if not (other_statements or own_only):
            continue
        runners = _objects(statements, term("runBy"))
        owner = _owner(thing, other_statements, units, runners)
        if owner:
            yield from _added_findings(
                thing, statements - other_statements[owner], other_statements[owner], owner
            )
        elif (
            own_only
            and runners
            and not runners & units
            and not _is_repeated(statements, other_statements)
        ):
            yield _finding(
                (thing, term("runBy"), None),
                f"{OWN_DESCRIPTION}-runBy",
                ("runners", _short(runners, base_iri)),
                ("organisation", str(outcome.organisation)),
            )


def _is_repeated(statements: Statements, other_statements: Mapping[str, Statements]) -> bool:
    return any(statements <= their_statements for their_statements in other_statements.values())


def _owner(
    thing: str, other_statements: Mapping[str, Statements], units: set[str], runners: set[str]
) -> str | None:
    """The organisation that alone may describe a thing, or None where the sender may.

    Args:
        thing: its IRI.
        other_statements: other organisation → its statements about the thing.
        units: the sender and its units.
        runners: those who run the thing, by the sender's file.
    """
    if thing in units or not other_statements:
        return thing if thing in other_statements else None
    for other, their_statements in other_statements.items():
        their_runners = _objects(their_statements, term("runBy"))
        if other == thing or other in their_runners:
            # The owner itself names the sender as one who runs it, too.
            return None if units & their_runners else other
    # Described only by organisations that neither are it nor run it: the first who came keeps
    # it, but an organisation belongs to none of them, and who runs a thing may take it over.
    is_organisation = "/id/organisation/" in thing
    return None if is_organisation or runners & units else sorted(other_statements)[0]


def _added_findings(
    thing: str, statements: Statements, their_statements: Statements, owner: str
) -> Iterator[Finding]:
    """Findings on statements about a resource that its owner does not make."""
    same_text = {
        (path, value.value) for path, value in their_statements if isinstance(value, ox.Literal)
    }
    for path, value in sorted(statements, key=str):
        if isinstance(value, ox.Literal) and (path, value.value) in same_text:
            continue  # only its language or datatype is written otherwise
        owned_by = ("owner", owner.rpartition("/")[2])
        yield _finding((thing, path, str(value)), OWN_DESCRIPTION, owned_by)


def _finding(
    statement: tuple[str, str, str | None], words: str, *slots: tuple[str, str]
) -> Finding:
    focus, path, value = statement
    return Finding(
        Severity.VIOLATION,
        focus,
        path,
        value,
        "",  # the words of the shape are filled in with the place
        OWN_DESCRIPTION,
        f"{OWN_DESCRIPTION}ConstraintComponent",
        words=words,
        slots=slots,
    )


def _objects(statements: Statements, path: str) -> set[str]:
    return {
        value.value
        for predicate, value in statements
        if predicate == path and isinstance(value, ox.NamedNode)
    }


def _short(things: Iterable[str], base_iri: str) -> str:
    return ", ".join(thing.removeprefix(f"{base_iri}id/organisation/") for thing in sorted(things))
