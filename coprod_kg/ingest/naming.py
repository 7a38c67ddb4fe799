"""One name for a thing: where an organisation's data names what is its own, others' data follows.

So each list, chart and query finds the owner's name and no second one, whoever wrote first.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from coprod_kg.access import Private
from coprod_kg.ingest.changes import Statements, replaced
from coprod_kg.ingest.merge import graph_of
from coprod_kg.ingest.outcome import Checked, Outcome
from coprod_kg.ingest.ownership import with_findings
from coprod_kg.model.namespaces import expand, term
from coprod_kg.model.terms import serialise
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store
from coprod_kg.validation.report import Finding, Severity

__all__ = ["follow_owners", "with_name_hints"]

_ONE_NAME: Final = "https://w3id.org/coprod/shapes#OneName"

_LABEL: Final = expand("rdfs:label")


def follow_owners(
    entering: Mapping[str, Checked],
    stored: Mapping[str, Mapping[str, Statements]],
    store: Store,
    settings: Settings,
) -> dict[str, tuple[bytes, frozenset[str]]]:
    """The graphs of organisations in which names have to follow those of the owners.

    Of several owners that disagree none is followed, nor is one whose data is private: its labels
    would be published with the others' data.

    Args:
        entering: organisation → its data as it will be.
        stored: each thing that the entering describe → graph → what the store says of it, the
            result of `coprod_kg.ingest.known.statements_elsewhere`.
        store: where the others' data is.
        settings: the base IRI and the data directory.

    Returns:
        For those of the entering and of the store's organisations whose data changes by that:
        organisation → its data with the owners' names, and which things those are of.
    """
    stem, base = f"{settings.base_iri}graph/organisation/", settings.base_iri
    private = {*Private(settings.data).organisations()}
    by_graph = {f"{stem}{name}": checked.statements for name, checked in entering.items()}
    things = {
        thing
        for statements in by_graph.values()
        for thing in statements
        if thing.startswith(f"{base}id/")
    }
    by_thing = replaced({thing: stored[thing] for thing in things & stored.keys()}, by_graph)
    # `name` is an organisation throughout; a thing's labels are its `label`.
    relabelled: dict[str, dict[str, Statements]] = {}
    for thing, graphs in by_thing.items():
        if len(graphs) == 1:  # nobody else names it
            continue
        statements_by = {graph.removeprefix(stem): graphs[graph] for graph in graphs}
        owners = {
            name
            for name, statements in statements_by.items()
            if _owns(name, thing, statements, base)
        }
        owner_labels = {_labels(statements_by[name]) for name in owners}
        if len(owner_labels) != 1 or owners & private or not (label := owner_labels.pop()):
            continue
        for name in statements_by.keys() - owners:
            if _labels(statements_by[name]) not in (
                label,
                frozenset(),
            ):  # one without a label gets none
                relabelled.setdefault(name, {})[thing] = label
    graphs_now = {
        name: entering[name].data
        if name in entering
        else graph_of(store, "organisation", name, base)
        for name in relabelled
    }
    return {
        name: (_with_labels(graphs_now[name], labels), frozenset(labels))
        for name, labels in relabelled.items()
    }


def with_name_hints(outcome: Outcome, following: Iterable[tuple[bytes, frozenset[str]]]) -> Outcome:
    """The outcome of an owner's file with a hint on each thing that others called otherwise.

    Args:
        outcome: of the file.
        following: the values of the result of `follow_owners`.
    """
    things = {thing for _, relabelled in following for thing in relabelled}
    return with_findings(
        outcome,
        (
            Finding(
                Severity.INFO,
                thing,
                _LABEL,
                None,
                "In the data of others this has another name. From now on it has yours there, too.",
                _ONE_NAME,
                f"{_ONE_NAME}ConstraintComponent",
            )
            for thing in sorted(things & outcome.checked.described)
        ),
    )


def _owns(name: str, thing: str, statements: Statements, base_iri: str) -> bool:
    """Whether a thing is the organisation itself or, by its data, run by it."""
    organisation = f"{base_iri}id/organisation/{name}"
    return thing == organisation or any(
        path == term("runBy") and value.value == organisation for path, value in statements
    )


def _labels(statements: Iterable[tuple[str, object]]) -> Statements:
    return frozenset((path, value) for path, value in statements if path == _LABEL)


def _with_labels(content: bytes, names: Mapping[str, Statements]) -> bytes:
    """N-Triples with other labels of some things."""
    old_starts = tuple(f"<{thing}> <{_LABEL}> ".encode() for thing in names)
    lines = [line for line in content.splitlines(keepends=True) if not line.startswith(old_starts)]
    label_lines = [
        f"<{thing}> <{_LABEL}> {serialise(value)} .\n".encode()
        for thing, labels in names.items()
        for _, value in labels
    ]
    return b"".join(sorted({*lines, *label_lines}))
