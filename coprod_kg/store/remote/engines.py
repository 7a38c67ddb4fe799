"""The engines that can be paired, by what differs between them, and why others cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coprod_kg.errors import WrongUsage

__all__ = ["KINDS", "EngineKind", "kind_of"]


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
    """

    name: str
    query: str
    update: str
    graphs: str
    loading: Mapping[str, str] = field(default_factory=dict)
    deadline: str | None = None


KINDS: Final[Mapping[str, EngineKind]] = {
    kind.name: kind
    for kind in (
        EngineKind("fuseki", "query", "update", "data", deadline="timeout"),
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
