"""The note on whose judgements a page shows; it never guesses: the graph says on what basis."""

from dataclasses import dataclass

from coprod_kg.web.site import VOCABULARY, Site

__all__ = ["Notice", "notice"]

SECONDARY = f"{VOCABULARY}basis/secondary-coding"


@dataclass(frozen=True, slots=True)
class Notice:
    """How many of all claims are secondary coding.

    Attributes:
        coded: claims coded by others from public sources.
        claims: all claims.
    """

    coded: int
    claims: int


def notice(site: Site, version: int | None) -> Notice | None:
    """The note for pages of a dataset version, or None where nothing in it is secondary coding."""
    found = site.rows_of("view-bases", version)
    counts = {row["basis"]: int(row["claims"]) for row in found.texts() if "basis" in row}
    coded = counts.get(SECONDARY, 0)
    return Notice(coded, sum(counts.values())) if coded else None
