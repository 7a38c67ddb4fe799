"""An answer of a saved query as an RO-Crate download."""

from flask import Response

from coprod_kg.queries.crate import PROFILE, crate
from coprod_kg.queries.derived import AskedQuery
from coprod_kg.queries.downloads import measured
from coprod_kg.web.query_citing import CitationRequest
from coprod_kg.web.replies import Conditions

__all__ = ["taken"]


def taken(asking: CitationRequest, conditions: Conditions) -> Response:
    """The crate of the answer over the version that the conditions name.

    Raises:
        CoprodError: what asking raises, or the answer is too large, or its chart cannot be drawn.
    """
    query, number = asking.query, conditions.version
    asked = AskedQuery(
        query, asking.values, number, asking.site.settings.queries, claims=asking.claims
    )
    files, content = measured(asked, asking.data(number))
    body = crate(asking.given(number, content), query, asking.asked.text, files)
    offer = conditions.offers[0]
    response = conditions.mark(Response(body, content_type=offer.content_type), offer)
    name = f"{query.name}-v{number}.crate.zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers.add("Link", f'<{PROFILE}>; rel="profile"')
    return asking.marked(response, number, content)
