"""An answer of a saved query as an RO-Crate in a file; it never asks a service over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from coprod_kg.answering import run_saved
from coprod_kg.catalogue.queries import SavedQuery
from coprod_kg.citing.asking import citation_of
from coprod_kg.citing.crate import crate
from coprod_kg.citing.taken import measured
from coprod_kg.results.formats import CRATE, GRAPHS, ROWS
from coprod_kg.results.made import Asked
from coprod_kg.settings import Settings
from coprod_kg.store.base import Answer, Query, Store

__all__ = ["crated"]

_JSON = (ROWS[0].media_type,)
_NTRIPLES = (GRAPHS[2].media_type,)


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
    types = _NTRIPLES if saved.form in ("CONSTRUCT", "DESCRIBE") else _JSON
    with run_saved(store, saved, values, replace(asking, media_types=types), settings) as answer:
        data, version = answer.read(), answer.version
    asked = Asked(saved, values, version, settings.queries)
    files, content = measured(asked, data)
    citation = citation_of(store, asked, content, settings)
    body = crate(citation, saved, saved.bind(values, settings.base_iri), files)
    return Answer(CRATE.media_type, version, len(body), iter((body,)))
