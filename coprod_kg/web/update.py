"""The update operation of the SPARQL 1.1 Protocol, with a curator's token."""

from hashlib import sha256

from flask import Response, request

from coprod_kg.updates import update, with_dataset
from coprod_kg.web.authorisation import curator
from coprod_kg.web.protocol import Parameters, iris
from coprod_kg.web.replies import check_preconditions, committed
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site

__all__ = ["updated"]


def updated(site: Site, text: str, given: Parameters) -> Response:
    """Carry out the update of a request."""
    grant = curator(request, site.tokens, "SPARQL Update")
    check_preconditions((), "The dataset")  # it has no strong tag, so only * is met
    notes = request_log(request).notes
    notes["query"] = sha256(text.encode()).hexdigest()[:16]
    notes["query_text"] = text
    whole = with_dataset(text, iris(given, "using-graph-uri"), iris(given, "using-named-graph-uri"))
    return committed(update(site.store, whole, grant.name, site.settings, text))
