"""The verdicts on what some organisations have just sent, a line for each claimed stage."""

from collections.abc import Iterable, Iterator
from typing import Final

from coprod_kg.assessment.queries import rows, text
from coprod_kg.store.base import Store

__all__ = ["verdict_lines"]

_MOST: Final = 20


def verdict_lines(store: Store, base_iri: str, organisations: Iterable[str]) -> Iterator[str]:
    """What the record supports beside what is claimed, for the first subjects of these graphs.

    Args:
        store: where data and conclusions are.
        base_iri: what graphs are named under.
        organisations: the last parts of the organisations' IRIs.
    """
    graphs = [f"{base_iri}graph/organisation/{name}" for name in organisations]
    found = list(rows(store, "verdicts", graph=graphs))
    for row in found[:_MOST]:
        supported = text(row, "supportedLabel")
        claimed = row["claimedLabel"].value.lower()
        if supported is None:
            told = "the record does not decide"
        elif supported.lower() == claimed:
            told = "the record bears it out"
        else:
            told = f"the record supports {supported.lower()}"
        name = row["subject"].value.removeprefix(f"{base_iri}id/")
        yield f"{row['subjectLabel'].value}: {claimed} is claimed; {told} ({name})"
    if len(found) > _MOST:
        yield f"… and {len(found) - _MOST} more"
    if found:
        yield "coprod-kg assess NAME says why."
