"""The initiatives that are or were at the same stage in the same sector."""

from collections.abc import Iterable
from dataclasses import dataclass

from coprod_kg.assessment.queries import Row, labels_in, rows, text
from coprod_kg.store.base import Store

__all__ = ["SimilarInitiative", "similar_at", "similar_initiatives"]


@dataclass(frozen=True, slots=True)
class SimilarInitiative:
    """One initiative that is or was at the same stage in the same sector.

    Attributes:
        iri: its name.
        label: what it is called.
        same_level: whether who runs it acts at the same level of government, where on record.
        same_size: whether who runs it is of the same size, where on record.
        ended: whether it has ended.
        moved_on: whether it was later seen at a higher stage.
    """

    iri: str
    label: str
    same_level: bool
    same_size: bool
    ended: bool
    moved_on: bool


def similar_initiatives(
    store: Store, subject: str, language: str = "en"
) -> tuple[SimilarInitiative, ...]:
    """The initiatives like this one, those with the most in common first."""
    return _similar(rows(store, "alike", subject=[subject]), language)


def similar_at(
    store: Store, sector: str, stages: Iterable[str], language: str = "en"
) -> tuple[SimilarInitiative, ...]:
    """The initiatives of a sector that are or were at one of some stages, by name."""
    return _similar(rows(store, "alike-at", sector=[sector], stage=stages), language)


def _similar(answer: Iterable[Row], language: str) -> tuple[SimilarInitiative, ...]:
    found = list(answer)
    labels = labels_in(language, found, "peer", "peerLabel")
    peers: dict[str, SimilarInitiative] = {}
    for row in found:
        iri = row["peer"].value
        peers.setdefault(
            iri,
            SimilarInitiative(
                iri=iri,
                label=labels[iri],
                same_level=text(row, "sameLevel") == "1",
                same_size=text(row, "sameSize") == "1",
                ended=text(row, "ended") == "1",
                moved_on=text(row, "movedOn") == "1",
            ),
        )
    return tuple(peers.values())
