"""A thing's document in the terms of other vocabularies: which is asked for, and the document."""

from typing import Final

from flask import Response, request

from coprod_kg.errors import NotAcceptable
from coprod_kg.formats.media_types import Offer
from coprod_kg.formats.table import commented
from coprod_kg.publishing.portal_documents import portal_document
from coprod_kg.publishing.profiles import (
    ALTERNATES,
    OWN,
    Profile,
    accepted,
    alternates,
    named_profile,
    profiles,
)
from coprod_kg.queries.caveat import caveat_of_claims
from coprod_kg.queries.question import bytes_within
from coprod_kg.web.address import root
from coprod_kg.web.protocol import parameters
from coprod_kg.web.replies import Conditions
from coprod_kg.web.site import Site
from coprod_kg.web.thing_address import ThingAddress

__all__ = ["asked_profile", "profile_document", "with_profile_headers"]

_LINES: Final = "application/n-triples"
_MOST_BYTES: Final = 64 << 20


def asked_profile(space: str) -> Profile | None:
    """The profile that is asked for; None for the list of them.

    Raises:
        NotAcceptable: there is none of that name, or things of this kind have ours only.
    """
    asked, header = parameters(request).one("_profile"), request.headers.get("Accept-Profile")
    if space != "id":
        # Accept-Profile is a wish for what has several; a name in the address is meant as it is
        profile = named_profile(asked) if asked else profiles()[OWN]
        if profile is None or profile.token != OWN:
            raise NotAcceptable(
                "this is told in our own terms only",
                where="parameter _profile",
                fix=f"Leave it out, or write _profile={OWN}.",
            )
        return profile
    if asked:
        return named_profile(asked)
    return accepted(header) if header else profiles()[OWN]


def profile_document(
    site: Site, address: ThingAddress, wanted: tuple[Offer, ...], profile: Profile | None
) -> Response:
    """The thing in the terms of another vocabulary, or the list of these."""
    token, offer = profile.token if profile else ALTERNATES, wanted[0]
    conditions = Conditions(address.version, address.pinned, wanted, text=token)
    unchanged = conditions.unchanged(lambda offer: address.document(offer.format.name, token))
    if unchanged is not None:
        with_profile_headers(unchanged, address, profile)
        return unchanged
    media_type, said = offer.format.media_type, ""
    if profile is None:
        here = root().rstrip("/")
        addresses = {token: here + address.document("", token) for token in profiles()}
        body = alternates(address.iri, addresses, media_type)
    else:
        question = site.about(f"profile-{token}", address.iri, address.version)
        lines = bytes_within(question.answer((_LINES,)), _MOST_BYTES)
        if not lines:
            raise NotAcceptable(
                f"{profile.title} has no words for {address.iri}",
                where="the profile",
                fix=f"?_profile={OWN} tells it in ours.",
            )
        said = caveat_of_claims(site.claims(address.version, address.iri), "about this thing")
        body = commented(portal_document(lines, media_type), media_type, said)
    response = Response(body, content_type=offer.content_type)
    response.headers["Content-Location"] = address.document(offer.format.name, token)
    if said:
        response.headers["Answer-Caveat"] = said
    thing = site.path(address.iri) or address.iri
    response.headers["Link"] = f'<{thing}>; rel="describes"'
    with_profile_headers(response, address, profile)
    return conditions.mark(response, offer)


def with_profile_headers(
    response: Response, address: ThingAddress, profile: Profile | None
) -> None:
    """Say which profile a document has, and which others there are."""
    response.vary.add("Accept-Profile")
    if profile is not None:
        response.headers["Content-Profile"] = f"<{profile.iri}>"
        response.headers.add("Link", f'<{profile.iri}>; rel="profile"')
    for other in profiles().values():
        if other != profile:
            alternate = address.document("", other.token)
            link = f'<{alternate}>; rel="alternate"; type="text/turtle"; profile="{other.iri}"'
            response.headers.add("Link", link)
