"""The engines that can be paired, by what differs between them, and why others cannot be."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from coprod_kg.errors import WrongUsage

__all__ = ["KINDS", "EngineKind", "kind_of"]

_SEGMENTS: Final = re.compile(r"<[^<>]*/\.{1,2}(?:[/?#>]|$)")
"""An IRI with a segment that resolving it takes out (RFC 3986, 5.2.4), or where one may begin."""
_WHOLE: Final = re.compile(
    rb'"([+-]?[0-9]+)\.?"(\^\^(?:<http://www\.w3\.org/2001/XMLSchema#decimal>|xsd:decimal\b))'
)
"""A decimal without digits after the point, as Oxigraph writes one that is a whole number."""


@dataclass(frozen=True, slots=True)
class EngineKind:
    """What a client has to know of an engine beside SPARQL 1.1.

    Attributes:
        name: as the setting writes it.
        query: path of its query endpoint, below the address of the dataset.
        update: path of its update endpoint.
        graphs: path of its Graph Store endpoint.
        loading: parameters with which a draft is put in without a transaction.
        deadline: the parameter of a query that tells its deadline in seconds, or None.
        resolves: whether it takes the segments `.` and `..` out of the IRIs of a query or an
            update; out of those of data it takes none.
        points: whether it gives the decimal 1 back as 1.0 and takes the two for different terms,
            so that one that it copied would not be found by the other.
    """

    name: str
    query: str
    update: str
    graphs: str
    loading: Mapping[str, str] = field(default_factory=dict)
    deadline: str | None = None
    resolves: bool = False
    points: bool = False

    def spelt(self, data: bytes) -> bytes:
        """Data, an update or a query, its decimals as the engine itself would write them."""
        return _WHOLE.sub(rb'"\1.0"\2', data) if self.points else data

    def alters(self, text: str) -> bool:
        """Whether a query, or lines in an update, may have an IRI that it takes for another."""
        return self.resolves and _SEGMENTS.search(text) is not None

    def check_names(self, graphs: Iterable[str]) -> None:
        """Refuse names of graphs that updates would take for others.

        Raises:
            WrongUsage: one has a segment `.` or `..`.
        """
        for graph in graphs:
            if self.alters(f"<{graph}>"):
                raise WrongUsage(
                    f"the engine {self.name} cannot keep a graph whose name has a segment . or ..",
                    where=graph,
                    fix="Name it without that segment.",
                )


KINDS: Final[Mapping[str, EngineKind]] = {
    kind.name: kind
    for kind in (
        EngineKind(
            "fuseki", "query", "update", "data", deadline="timeout", resolves=True, points=True
        ),
        # The transaction of a large draft would be held in memory.
        EngineKind("oxigraph", "query", "update", "store", {"no_transaction": ""}),
    )
}
"""The engines that the tests run against."""

_OTHERS: Final[Mapping[str, str]] = {
    "virtuoso": "it answers a third of the saved queries with other rows, gives part of an answer "
    "for the whole at its deadline, and leaves half a commit where an operation fails",
    "graphdb": "nobody has tried it with this service",
    "stardog": "nobody has tried it with this service",
    "neptune": "nobody has tried it with this service, and requests to it are signed",
    "qlever": "its updates were not tried with this service",
}


def kind_of(name: str) -> EngineKind:
    """The kind of engine that a setting names.

    Raises:
        WrongUsage: it cannot be paired; says why.
    """
    if name in KINDS:
        return KINDS[name]
    why = f": {_OTHERS[name]}" if name in _OTHERS else ""
    raise WrongUsage(
        f"the engine {name!r} cannot be paired with this service{why}",
        where="setting store-engine",
        fix=f"Those that can are {' and '.join(KINDS)}; docs/engines.md says what each can do.",
    )
