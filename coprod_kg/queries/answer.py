"""Evaluation of a saved query on a local store, with content hash and citation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from coprod_kg.formats.media_types import GRAPHS, ROWS
from coprod_kg.formats.table import Table, read_table
from coprod_kg.model.files import files
from coprod_kg.queries.ask import ask, run_saved
from coprod_kg.queries.caveat import claims_of
from coprod_kg.queries.citation import Citation, canonical, cite
from coprod_kg.queries.content_hash import Content, content_of_graph, content_of_table
from coprod_kg.queries.derived import AskedQuery
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.queries.version_date import dated, dating
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store

__all__ = ["citation_of", "cited", "claims_in", "plain", "quoted"]

_JSON: Final = (ROWS[0].media_type,)
_NTRIPLES: Final = (GRAPHS[2].media_type,)


def cited(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]],
    asking: Query,
    settings: Settings,
) -> Citation:
    """The citation of an answer, as the service gives it; the arguments are those of `run_saved`.

    Its permanent address is that of the service: ``public-url``, or where ``serve`` listens.
    """
    data, version = plain(store, saved, values, asking, settings)
    graph = saved.form in ("CONSTRUCT", "DESCRIBE")
    claims = claims_in(store, version, settings)
    content = (
        content_of_graph(data, claims) if graph else content_of_table(read_table(data), claims)
    )
    return citation_of(store, AskedQuery(saved, values, version), content, settings)


def plain(
    store: Store,
    saved: SavedQuery,
    values: Mapping[str, Sequence[str]],
    asking: Query,
    settings: Settings,
) -> tuple[bytes, int]:
    """An answer as it is measured, and its version; the arguments are those of `run_saved`.

    Returns:
        The N-Triples of a graph, or the SPARQL JSON of rows.
    """
    types = _NTRIPLES if saved.form in ("CONSTRUCT", "DESCRIBE") else _JSON
    with run_saved(store, saved, values, replace(asking, media_types=types), settings) as answer:
        return answer.read(), answer.version


def citation_of(store: Store, asked: AskedQuery, content: Content, settings: Settings) -> Citation:
    """The citation of an answer that was read already; its version is kept from now on.

    Args:
        store: the store that answered.
        asked: the saved query as it was asked.
        content: the measure of the answer.
        settings: names the service, by ``public-url`` or where ``serve`` listens.
    """
    when = Query(dating(settings.base_iri, asked.version), _JSON, version=asked.version)
    made = dated(ask(store, when, settings).read())
    store.cite(asked.version)
    place = (settings.root, asked.version, store.identity().lineage, made)
    return cite(asked.query, canonical(asked.query, asked.values), content, place)


def claims_in(store: Store, version: int, settings: Settings) -> tuple[int, int]:
    """How many claims of a version are secondary coding, and how many there are."""
    view = load(files("queries") / "views")["view-bases"]
    with run_saved(store, view, {}, Query("", _JSON, version=version), settings) as answer:
        return claims_of(read_table(answer.read()))


def quoted(store: Store, asked: AskedQuery, table: Table, settings: Settings) -> AskedQuery:
    """The saved query with the sentence that cites its rows, for a workbook."""
    citation = citation_of(store, asked, content_of_table(table, asked.claims), settings)
    return replace(asked, cited=f"{citation.sentence}.")
