"""The RDF formats that are accepted, and how the format of a file is recognised."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from pyoxigraph import RdfFormat

from coprod_kg.errors import UnsupportedMedia

__all__ = ["FORMATS", "RdfSyntax", "format_of", "known_formats", "likely_format"]


@dataclass(frozen=True, slots=True)
class RdfSyntax:
    """One serialisation of RDF.

    Attributes:
        name: what people call it.
        extensions: how file names end, without the dot, the usual one first.
        media_types: what HTTP calls it, the registered one first.
        rdf: the parser's name for it.
    """

    name: str
    extensions: tuple[str, ...]
    media_types: tuple[str, ...]
    rdf: RdfFormat


FORMATS: Final = (
    RdfSyntax(
        "Turtle", ("ttl", "turtle"), ("text/turtle", "application/x-turtle"), RdfFormat.TURTLE
    ),
    RdfSyntax("TriG", ("trig",), ("application/trig", "application/x-trig"), RdfFormat.TRIG),
    RdfSyntax("N-Triples", ("nt",), ("application/n-triples",), RdfFormat.N_TRIPLES),
    RdfSyntax("N-Quads", ("nq",), ("application/n-quads",), RdfFormat.N_QUADS),
    RdfSyntax("JSON-LD", ("jsonld", "json"), ("application/ld+json",), RdfFormat.JSON_LD),
    RdfSyntax("RDF/XML", ("rdf", "owl", "xml"), ("application/rdf+xml",), RdfFormat.RDF_XML),
)
"""Every format that is read."""


def known_formats() -> str:
    """The formats as one phrase: Turtle (.ttl), TriG (.trig) …."""
    return ", ".join(f"{syntax.name} (.{syntax.extensions[0]})" for syntax in FORMATS)


def format_of(name: str, stated: str | None = None) -> RdfSyntax:
    """The format of a file.

    Args:
        name: the file name; its ending decides where nothing is stated.
        stated: a media type, an ending (``ttl``) or a name (``Turtle``) that was given.

    Raises:
        UnsupportedMedia: the format is none that is read here.
    """
    ending = PurePath(name).suffix.removeprefix(".").lower()
    format_name = (stated or ending).partition(";")[0].strip().lower()
    for syntax in FORMATS:
        if (
            format_name in (syntax.name.lower(), *syntax.media_types)
            or format_name in syntax.extensions
        ):
            return syntax
    if stated:
        reason = f"{stated!r} is no format that is read here"
    elif ending:
        reason = f"a file that ends with .{ending} is in no format that is read here"
    else:
        reason = "the name has no ending, so the format is not known"
    raise UnsupportedMedia(
        reason, where=name, fix=f"Send one of: {known_formats()}; or state the format."
    )


def likely_format(text: str) -> str | None:
    """The format that a text looks like, for the error on a file with a wrong name."""
    start = text.lstrip()[:300].lower()
    signatures = (
        (("<!doctype html", "<html"), "HTML"),
        (("<?xml", "<rdf:rdf"), "RDF/XML"),
        (("{", "["), "JSON-LD"),
        (("@prefix", "prefix ", "@base", "base "), "Turtle"),
    )
    return next((name for starts, name in signatures if start.startswith(starts)), None)
