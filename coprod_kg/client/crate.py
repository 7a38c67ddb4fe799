"""The answer of a saved query, asked of a local store, as an RO-Crate."""

from collections.abc import Mapping, Sequence

from coprod_kg.formats.media_types import CRATE
from coprod_kg.queries.answer import citation_of, claims_in, plain
from coprod_kg.queries.crate import crate
from coprod_kg.queries.derived import AskedQuery
from coprod_kg.queries.downloads import measured
from coprod_kg.queries.library import SavedQuery
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["crated"]


def crated(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]],
    asking: Query,
    settings: Settings,
) -> Answer:
    """The answer of a saved query as the bytes of its crate; takes what `run_saved` takes.

    Its permanent address is that of the service: ``public-url``, or where ``serve`` listens.
    """
    data, version = plain(store, saved, values, asking, settings)
    claims = claims_in(store, version, settings)
    asked = AskedQuery(saved, values, version, settings.queries, claims=claims)
    files, content = measured(asked, data)
    citation = citation_of(store, asked, content, settings)
    body = crate(citation, saved, saved.bind(values, settings.base_iri), files)
    return Answer(CRATE.media_type, version, len(body), iter((body,)))
