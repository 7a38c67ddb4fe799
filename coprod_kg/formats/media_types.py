"""Formats that an answer can have, and which of them a client accepts (RFC 9110, section 12.5.1).

Parts of an ``Accept`` header that cannot be parsed are ignored.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from coprod_kg.errors import NotAcceptable, WrongUsage

__all__ = [
    "CHARTS",
    "CRATE",
    "EXCEL_CSV",
    "FORMATS",
    "GRAPHS",
    "HTML",
    "ROWS",
    "WORKBOOK",
    "Family",
    "Format",
    "Offer",
    "by_name",
    "negotiate",
    "offers_by_name",
]

_QUALITY: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_RANGE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PART: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_MOST_RANGES: Final = 100
_SHORT: Final = 400
"""Up to this length a header's result is cached: longer ones are rare, and could fill memory."""

Family = Literal["rows", "graph", "page", "made"]
"""What a format can hold: bindings and truth values (rows), triples (graph), either of them for a
person (page), or a file made of the rows of a saved query (made): a chart, a workbook, a crate."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of answers.

    Attributes:
        name: what ``?format=`` calls it, and its suffix in an address without the dot.
        media_type: the registered media type.
        family: what it can hold.
        label: what a person calls it.
        aliases: media types that clients also ask it by.
        names: other names that ``?format=`` and a suffix may use.
    """

    name: str
    media_type: str
    family: Family
    label: str
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """The media type, with the charset where the type is text."""
        text = self.media_type.startswith("text/")
        return f"{self.media_type}; charset=utf-8" if text else self.media_type


ROWS: Final = (
    Format(
        "json",
        "application/sparql-results+json",
        "rows",
        "JSON",
        ("application/json",),
        ("srj",),
    ),
    Format(
        "xml",
        "application/sparql-results+xml",
        "rows",
        "XML",
        ("application/xml", "text/xml"),
        ("srx",),
    ),
    Format("csv", "text/csv", "rows", "CSV"),
    Format("tsv", "text/tab-separated-values", "rows", "TSV"),
)
"""The formats of a SELECT or an ASK; ``*/*`` gets the first."""

GRAPHS: Final = (
    Format("ttl", "text/turtle", "graph", "Turtle", ("application/x-turtle",), ("turtle",)),
    Format(
        "jsonld", "application/ld+json", "graph", "JSON-LD", ("application/json",), ("json-ld",)
    ),
    Format("nt", "application/n-triples", "graph", "N-Triples", (), ("ntriples", "n-triples")),
    Format(
        "rdf",
        "application/rdf+xml",
        "graph",
        "RDF/XML",
        ("application/xml", "text/xml"),
        ("rdfxml", "rdf-xml", "rdf+xml"),
    ),
)
"""The formats of a CONSTRUCT or a DESCRIBE; ``*/*`` gets the first."""

HTML: Final = Format("html", "text/html", "page", "web page", ("application/xhtml+xml",))
"""A page for a person; wildcards never choose it where data is asked for."""

WORKBOOK: Final = Format(
    "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "made", "Excel"
)
"""The rows of a saved query as a workbook."""

EXCEL_CSV: Final = Format("excel.csv", "text/csv;bom=yes", "made", "CSV for Excel")
"""The rows of a saved query as CSV after a byte order mark, by which Excel knows UTF-8."""

CHARTS: Final = (
    Format("svg", "image/svg+xml", "made", "SVG"),
    Format("png", "image/png", "made", "PNG"),
    Format("vega", "application/vnd.vegalite.v5+json", "made", "Vega-Lite", (), ("vega-lite",)),
)
"""The rows of a saved query in the chart that lies beside it."""

CRATE: Final = Format(
    "crate.zip", "application/zip", "made", "RO-Crate", (), ("crate", "ro-crate", "zip")
)
"""The answer of a saved query with all that it takes to cite and repeat it."""

FORMATS: Final = (*ROWS, *GRAPHS, HTML)
"""Every format that any query has, in the order of preference where the client has none."""


def by_name(name: str) -> tuple[Format, ...]:
    """The formats that a ``?format=`` or a suffix names: by name or media type, in any case.

    One name can mean one format per family: ``json`` is the SPARQL JSON results of a SELECT and
    the JSON-LD of a CONSTRUCT.

    >>> [format_.label for format_ in by_name("json")]
    ['JSON', 'JSON-LD']
    """
    # A + in a query string arrives as a space: format=application/ld+json.
    name = name.strip().lower().replace(" ", "+")
    also = {"json": ("jsonld",), "srj": (), "xml": ("rdf",)}.get(name, ())
    return tuple(
        format_
        for format_ in (*FORMATS, WORKBOOK, EXCEL_CSV, *CHARTS, CRATE)
        if name in (format_.name, format_.media_type, *format_.names, *format_.aliases)
        or format_.name in also
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A format to answer in, and the media type to call it by.

    Attributes:
        format: the format.
        content_type: what the ``Content-Type`` header says: the registered type, or the alias
            by which the client asked for it.
    """

    format: Format
    content_type: str


@dataclass(frozen=True, slots=True)
class _MediaRange:
    media_type: str
    quality: float
    index: int


def negotiate(accept: str | None, formats: Iterable[Format] = FORMATS) -> tuple[Offer, ...]:
    """The formats a client accepts, best first.

    Order: quality, then a type named in full before ``text/*`` before ``*/*``, then the order in
    the header, then our own. A page is never chosen by a wildcard while data is on offer.

    Args:
        accept: the ``Accept`` header, or None; an empty one counts as ``*/*``.
        formats: what can be written here, in our order of preference.

    Raises:
        NotAcceptable: nothing fits.
    """
    header, candidates = accept or "", tuple(formats)
    offers = (
        _negotiated(header, candidates)
        if len(header) <= _SHORT
        else _negotiated.__wrapped__(header, candidates)
    )
    if not offers:
        raise NotAcceptable(
            f"nothing in Accept: {header[:200]} can be written here",
            where="header Accept",
            fix="Ask for one of "
            + ", ".join(dict.fromkeys(format_.media_type for format_ in candidates)),
        )
    return offers


@lru_cache(maxsize=256)
def _negotiated(accept: str, formats: tuple[Format, ...]) -> tuple[Offer, ...]:
    """As `negotiate`, without an error; cached, because clients send few different headers."""
    ranges = _ranges(accept) or [_MediaRange("*/*", 1.0, 0)]
    scored = []
    for order, format_ in enumerate(formats):
        best = _best(format_, ranges)
        if best is not None:
            quality, exactness, index, content_type = best
            scored.append((-quality, -exactness, index, order, Offer(format_, content_type)))
    return tuple(score[-1] for score in sorted(scored, key=lambda score: score[:-1]))


def offers_by_name(name: str, formats: Sequence[Format] = FORMATS) -> tuple[Offer, ...]:
    """The formats that a ``?format=`` or a suffix names.

    Raises:
        WrongUsage: there is no format of that name here.
    """
    offers = tuple(
        Offer(format_, format_.content_type) for format_ in by_name(name) if format_ in formats
    )
    if not offers:
        raise WrongUsage(
            f"there is no format {name[:80]!r} here",
            where="parameter format",
            fix="The formats are: " + ", ".join(format_.name for format_ in formats) + ".",
        )
    return offers


def _ranges(accept: str) -> list[_MediaRange]:
    ranges = []
    for index, part in enumerate(_PART.findall(accept)[:_MOST_RANGES]):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if _RANGE.fullmatch(media_type):
            ranges.append(_MediaRange(media_type.lower(), _quality(parameters), index))
    return ranges


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            value = value.strip()
            return float(value) if _QUALITY.fullmatch(value) and value else 1.0
    return 1.0


def _best(format_: Format, ranges: list[_MediaRange]) -> tuple[float, int, int, str] | None:
    """Quality, exactness, place and content type by the range that decides about a format.

    Exactness: 3 for its own type, 2 for an alias, 1 for ``text/*``, 0 for ``*/*``. None where no
    range fits, or the deciding one has quality 0.
    """
    exact_ranges = [range_ for range_ in ranges if range_.media_type == format_.media_type]
    alias_ranges = [range_ for range_ in ranges if range_.media_type in format_.aliases]
    if exact_ranges or any(range_.quality > 0 for range_ in alias_ranges):
        if exact_ranges and exact_ranges[0].quality == 0:
            return None
        deciding = max(
            exact_ranges + alias_ranges, key=lambda range_: (range_.quality, range_ in exact_ranges)
        )
        exactness = 3 if deciding in exact_ranges else 2
        # An alias of rows is the name that the client parses them by (application/json); the alias
        # of a graph would not say which RDF syntax it is.
        alias_type = (
            deciding.media_type if deciding in alias_ranges and format_.family == "rows" else None
        )
        return deciding.quality, exactness, deciding.index, alias_type or format_.content_type
    major = format_.media_type.partition("/")[0]
    for wildcard, exactness in ((f"{major}/*", 1), ("*/*", 0)):
        for range_ in ranges:
            if range_.media_type == wildcard:
                match = (range_.quality, exactness, range_.index, format_.content_type)
                return match if range_.quality > 0 else None
    return None
