"""The values that a saved query's parameters permit in one version of the data."""

from collections.abc import Mapping, Sequence

from coprod_kg.formats.table import Table
from coprod_kg.queries.library import SavedQuery
from coprod_kg.queries.permitted_values import permitting
from coprod_kg.web.site import Site, rows

__all__ = ["permitted"]


def permitted(
    site: Site,
    query: SavedQuery,
    number: int | None,
    given: Mapping[str, Sequence[str]] | None = None,
) -> SavedQuery:
    """The saved query, its parameters knowing the values that other saved queries find.

    Args:
        site: whose saved queries they are; small answers of theirs are kept.
        query: the saved query; one that takes no values from others costs nothing.
        number: the version of the data that is asked, or None for the newest.
        given: what the parameters are bound to, where only that is to be checked.
    """

    def found(source: SavedQuery) -> Table | None:
        text = source.bind({}, site.settings.base_iri)
        return rows(site.ask(text, source.media_types, number))

    return permitting(query, site.queries, found, site.settings.base_iri, given)
