"""Counts for a page's disclaimer: claims that are secondary coding of public sources, and all."""

from coprod_kg.formats.table import Table
from coprod_kg.queries.caveat import claims_of
from coprod_kg.web.site import Site

__all__ = ["claims"]


def claims(site: Site, version: int | None, thing: str | None = None) -> tuple[int, int]:
    """How many claims are secondary coding, and how many there are.

    Args:
        site: where.
        version: the dataset version.
        thing: those about this thing, or the claim that it is; all claims where it is None.
    """
    if thing is None:
        return claims_of(site.rows_of("view-bases", version))
    return claims_of(site.view("view-bases-of", thing, version) or Table((), ()))
