"""The query of a request to the endpoint, and the conditions that mark its answer."""

from coprod_kg.access import hidden
from coprod_kg.sparql.tokens import is_changing
from coprod_kg.store.base import Query
from coprod_kg.web.protocol import SparqlRequest, seconds, version
from coprod_kg.web.replies import Conditions, chosen, media_types
from coprod_kg.web.request_log import RequestLog
from coprod_kg.web.site import Site

__all__ = ["lookup"]


def lookup(
    asked: SparqlRequest, accept: str | None, log: RequestLog, site: Site
) -> tuple[Query, Conditions]:
    """The query of a request, and the conditions that mark its answer.

    The application and the fast lookup both call it, so that both read a request alike.

    Args:
        asked: the request, which carries a query.
        accept: its header of that name.
        log: who sends it.
        site: says what its default graph and its deadline are, and the lineage of its versions.

    Raises:
        WrongUsage: a parameter of it makes no sense.
        NotFound, VersionGone: the lineage it names is not that of the data, or its version is not.
        NotAcceptable: nothing accepted can be written.
    """
    settings = site.settings
    wanted, text = chosen(asked.parameters, accept), asked.text or ""
    query = Query(
        text,
        media_types(wanted),
        asked.default_graphs,
        asked.named_graphs,
        version(asked.parameters),
        seconds(asked.parameters, settings),
        settings.default_graph == "union",
        hidden=hidden(log.hidden, settings.base_iri),
        cancellation=log.cancellation,
    )
    pinned, changing = site.is_pinned(asked.parameters), is_changing(text)
    return query, Conditions(0, pinned, wanted, changing=changing, lineage=site.lineage)
