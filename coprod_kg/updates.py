"""Changes by curators: SPARQL updates and whole graphs, each with its provenance.

Each change is an activity (PROV-O) in the graph of provenance: who, when, and the SHA-256 of
what was sent. That graph only grows: no update takes anything from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import uuid4

from pyoxigraph import Literal, NamedNode, Triple

from coprod_kg.errors import Forbidden, QuerySyntax, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.sparql.admission import admit
from coprod_kg.sparql.syntax import explain_error
from coprod_kg.sparql.tokens import Edit, Token, edited, position, significant
from coprod_kg.sparql.update_dialect import rewrite_update
from coprod_kg.sparql.update_operations import operations
from coprod_kg.sparql.update_targets import deciding_graphs, written_graphs
from coprod_kg.store.base import DEFAULT_GRAPH, Commit, Store, Update
from coprod_kg.store.merged import CLIENT_DEFAULT

__all__ = ["UpdateRecord", "check_graph", "update", "with_dataset"]


_PROV: Final = "http://www.w3.org/ns/prov#"
_TYPE: Final = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_LABEL: Final = NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
_IDENTIFIER: Final = NamedNode("http://purl.org/dc/terms/identifier")
_DATE_TIME: Final = NamedNode("http://www.w3.org/2001/XMLSchema#dateTime")
_RESERVED: Final = {
    "ontology": "it is published by this software",
    "provenance": "it records what happened, and only grows",
    "catalogue": "it is published by this software",
    "queries": "a question enters by PUT /queries/NAME, where it is looked over first",
    "assessment/": "it holds what this software concludes, and is computed again",
    "organisation/": "an organisation's data enters by a submission, which is validated first; "
    "coprod-kg submissions rollback takes one back",
}


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """The record of one change.

    Attributes:
        base_iri: where data lives.
        curator: the name of the token.
        label: what was done, in a few words.
        uploads: the bytes that were sent: the text of an update or a question, the body of a graph
            or each file of a form; none where nothing but the request itself was.
        started: when.
    """

    base_iri: str
    curator: str
    label: str
    uploads: tuple[bytes, ...]
    started: datetime

    @property
    def graph(self) -> str:
        """The graph of provenance."""
        return f"{self.base_iri}graph/provenance"

    def ntriples(self, activity: str) -> bytes:
        """The record as N-Triples, to be added to the graph of provenance."""
        return b"".join(f"{triple} .\n".encode() for triple in self._triples(activity))

    def activity(self) -> str:
        """A new IRI for the activity."""
        return f"{self.base_iri}update/{self.started:%Y%m%dT%H%M%S%fZ}-{uuid4().hex[:8]}"

    def _triples(self, iri: str) -> Iterator[Triple]:
        activity = NamedNode(iri)
        agent = NamedNode(f"{self.base_iri}id/agent/{self.curator}")
        now = datetime.now(UTC)
        yield Triple(activity, _TYPE, _prov("Activity"))
        yield Triple(activity, _LABEL, Literal(self.label, language="en"))
        yield Triple(activity, _prov("startedAtTime"), _time(self.started))
        yield Triple(activity, _prov("endedAtTime"), _time(now))
        yield Triple(activity, _prov("wasAssociatedWith"), agent)
        yield Triple(agent, _TYPE, _prov("Agent"))
        for index, content in enumerate(self.uploads):
            upload = NamedNode(f"{iri}/sent/{index + 1}" if index else f"{iri}/sent")
            yield Triple(activity, _prov("used"), upload)
            yield Triple(upload, _TYPE, _prov("Entity"))
            digest = sha256(content).hexdigest()
            yield Triple(upload, _IDENTIFIER, Literal(f"sha256:{digest}"))
            yield Triple(upload, _prov("wasAttributedTo"), agent)


def update(
    store: Store, text: str, curator: str, settings: Settings, client_text: str | None = None
) -> Commit:
    """Admit an update and carry it out.

    Args:
        store: what is changed.
        text: SPARQL 1.1 Update.
        curator: the name of the token.
        settings: limits, and what SERVICE may call.
        client_text: the text as it was sent, where it is not the one to carry out.

    Raises:
        QueryRefused: it would reach beyond the store.
        CoprodError: what `coprod_kg.store.base.Store.update` raises.
    """
    engine_text = rewrite_update(text.removeprefix("\ufeff"))
    admitted = admit(engine_text, settings, update=True)
    uploads = ((text if client_text is None else client_text).encode(),)
    record = UpdateRecord(settings.base_iri, curator, "A SPARQL update", uploads, datetime.now(UTC))
    activity = record.activity()
    add = {record.graph: record.ntriples(activity)}
    graphs = deciding_graphs(admitted.text)
    union = settings.default_graph == "union"
    change = Update(
        admitted.text,
        add,
        activity,
        seconds=settings.query_seconds,
        kept=(record.graph, f"{record.base_iri}graph/catalogue"),
        graphs=written_graphs(admitted.text),
        operations=operations(admitted.text, union=union, unnamed=CLIENT_DEFAULT.value),
        calls=admitted.calls,
        depends_on=None if graphs is None else (*graphs, DEFAULT_GRAPH),
    )
    try:
        return store.update(change)
    except QuerySyntax as error:
        raise explain_error(error, engine_text, update=True) from None


def check_graph(graph: str, settings: Settings) -> None:
    """Refuse to change a graph that is kept by this software.

    Raises:
        Forbidden: says why.
    """
    start = f"{settings.base_iri}graph/"
    for name, reason in _RESERVED.items():
        reserved = f"{start}{name}"
        if graph == reserved or (name.endswith("/") and graph.startswith(reserved)):
            raise Forbidden(f"the graph {graph} is not changed here: {reason}")


def with_dataset(text: str, using: tuple[str, ...], named: tuple[str, ...]) -> str:
    """The update, with USING for the dataset of the request (SPARQL 1.1 Protocol, section 2.2.3).

    Args:
        text: the update.
        using: IRIs of ``using-graph-uri``.
        named: IRIs of ``using-named-graph-uri``.

    Raises:
        WrongUsage: the update has a USING or WITH of its own.
    """
    if not using and not named:
        return text
    clauses = "".join(f"USING <{iri}> " for iri in using)
    clauses += "".join(f"USING NAMED <{iri}> " for iri in named)
    edits, depth = list[Edit](), 0
    tokens = list(significant(text, 0))
    for index, token in enumerate(tokens):
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0 and token.is_word("USING", "WITH"):
            line, column = position(text, token.start)
            raise WrongUsage(
                f"the update says {token.text.upper()}, and the request names a dataset too",
                where=f"line {line}, column {column}",
                fix="Leave out one of the two.",
            )
        if depth == 0 and token.is_word("WHERE"):
            previous = tokens[index - 1] if index else None
            shorthand = previous is not None and previous.is_word("DELETE")
            template = _group(text, tokens[index + 1 :]) if shorthand else ""
            edits.append((token.start, token.start, f"{template} {clauses}"))
    return edited(text, edits)


def _group(text: str, tokens: list[Token]) -> str:
    """The text of the group that comes next; DELETE WHERE is short for DELETE of it."""
    depth = 0
    for token in tokens:
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0:
            return text[tokens[0].start : token.end]
    return ""


def _prov(name: str) -> NamedNode:
    return NamedNode(_PROV + name)


def _time(moment: datetime) -> Literal:
    return Literal(moment.isoformat(), datatype=_DATE_TIME)
