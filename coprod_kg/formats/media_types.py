"""Table of the formats that an answer can have: names, media types and families."""

from dataclasses import dataclass
from typing import Final, Literal

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
    "by_name",
]

Family = Literal["rows", "graph", "page", "made"]
"""What a format can hold: bindings and truth values, triples, either of them for a person, or
rows made into something else."""


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
