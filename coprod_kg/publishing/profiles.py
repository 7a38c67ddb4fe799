"""Profiles: the vocabularies in whose terms a thing can be told, and which one a client accepts.

The parts of Content Negotiation by Profile (https://www.w3.org/TR/dx-prof-conneg/) that do not
depend on HTTP: what there is, what a header asks for, and the list of what there is as RDF.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import NotAcceptable
from coprod_kg.formats.media_types import GRAPHS
from coprod_kg.model.files import read
from coprod_kg.publishing.serialisations import written

__all__ = ["ALTERNATES", "OWN", "Profile", "accepted", "alternates", "named_profile", "profiles"]

OWN: Final = "coprod"
"""The token of the profile that documents have where no other is asked for."""
ALTERNATES: Final = "alt"
"""What is asked for in place of a profile to have the list of them."""
_PROF: Final = "http://www.w3.org/ns/dx/prof/"
_ALTR: Final = "http://www.w3.org/ns/dx/connegp/altr#"
_TERMS: Final = "http://purl.org/dc/terms/"
_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_ACCEPTED: Final = re.compile(r"<([^<>\s]*)>\s*(?:;\s*q=([01](?:\.\d{0,3})?))?")


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile.

    Attributes:
        token: its short name.
        iri: its name.
        title: what it is called.
    """

    token: str
    iri: str
    title: str


@cache
def profiles() -> dict[str, Profile]:
    """Token → profile, our own first."""
    found: dict[str, dict[str, str]] = {}
    for triple in read(Path(__file__).with_name("profiles.ttl")):
        if isinstance(triple.object, ox.Literal) and isinstance(triple.subject, ox.NamedNode):
            told = found.setdefault(triple.subject.value, {})
            told[triple.predicate.value] = triple.object.value
    known = [
        Profile(told[f"{_PROF}hasToken"], iri, told[f"{_TERMS}title"])
        for iri, told in found.items()
    ]
    known.sort(key=lambda profile: (profile.token != OWN, profile.token))
    return {profile.token: profile for profile in known}


def named_profile(text: str) -> Profile | None:
    """The profile of a token or an IRI; None where the list of profiles is asked for.

    Raises:
        NotAcceptable: there is none of that name.
    """
    if text in (ALTERNATES, f"{_ALTR}alt-data", "http://www.w3.org/ns/dx/connegp/altr"):
        return None
    for profile in profiles().values():
        if text in (profile.token, profile.iri):
            return profile
    raise _unknown(text)


def accepted(header: str) -> Profile | None:
    """The profile that a header ``Accept-Profile`` prefers of those there are.

    Raises:
        NotAcceptable: it names none of them.
    """
    asked = [(float(quality or 1), iri) for iri, quality in _ACCEPTED.findall(header)]
    # Python keeps the order of equals: the first named wins.
    for quality, iri in sorted(asked, key=lambda pair: -pair[0]):
        try:
            if quality > 0:
                return named_profile(iri)
        except NotAcceptable:
            continue
    raise _unknown(header)


def _unknown(text: str) -> NotAcceptable:
    there = ", ".join(f"{one.token} (<{one.iri}>)" for one in profiles().values())
    return NotAcceptable(
        f"there is no profile {text[:200]!r} of it",
        where="parameter _profile or header Accept-Profile",
        fix=f"The profiles are: {there}. ?_profile={ALTERNATES} lists them for this thing.",
    )


def alternates(thing: str, addresses: dict[str, str], media_type: str) -> bytes:
    """The representations of a thing, as RDF.

    Args:
        thing: its IRI.
        addresses: the token of a profile → the address of its document.
        media_type: the format to write.
    """
    return written(dict.fromkeys(_listed(thing, addresses)), media_type)


def _listed(thing: str, addresses: dict[str, str]) -> Iterator[ox.Triple]:
    node = ox.NamedNode(thing)
    for token, address in addresses.items():
        profile, here = profiles()[token], ox.NamedNode(address)
        iri = ox.NamedNode(profile.iri)
        if token == OWN:
            yield ox.Triple(node, ox.NamedNode(f"{_ALTR}hasDefaultRepresentation"), here)
        yield ox.Triple(node, ox.NamedNode(f"{_ALTR}hasRepresentation"), here)
        yield ox.Triple(here, _TYPE, ox.NamedNode(f"{_ALTR}Representation"))
        yield ox.Triple(here, ox.NamedNode(f"{_TERMS}conformsTo"), iri)
        for form in GRAPHS:
            yield ox.Triple(here, ox.NamedNode(f"{_TERMS}format"), ox.Literal(form.media_type))
        yield ox.Triple(iri, _TYPE, ox.NamedNode(f"{_PROF}Profile"))
        yield ox.Triple(iri, ox.NamedNode(f"{_PROF}hasToken"), ox.Literal(token))
        title = ox.Literal(profile.title, language="en")
        yield ox.Triple(iri, ox.NamedNode(f"{_TERMS}title"), title)
