"""Provenance of a submission as PROV-O: who sent what and when.

One call is one activity (the commit); each file in it is a submission, an activity of its own
and part of the first. A submission used the file sent and the model (ontology, shapes, rules);
the organisation's graph comes from it and is attributed to the sender, the graph of conclusions
to this software.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pyoxigraph as ox

from coprod_kg.ingest.outcome import Outcome, Sender
from coprod_kg.model.namespaces import named
from coprod_kg.validation.report import Severity

__all__ = ["SubmissionRecord"]


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """The record of one call, which may submit several files.

    Attributes:
        base_iri: where data lives.
        sender: who sends.
        model: the SHA-256 of the ontology, shapes and rules.
        times: when the call began, and when everything was checked; in UTC.
        kind: ``patch`` or ``rollback``, or an empty text where whole graphs are replaced.
    """

    base_iri: str
    sender: Sender
    model: str
    times: tuple[datetime, datetime]
    kind: str = ""

    @property
    def name(self) -> str:
        """The last part of the IRI of the call."""
        return f"{self.times[0]:%Y%m%dT%H%M%S%fZ}"

    @property
    def activity(self) -> str:
        """The IRI of the call."""
        return f"{self.base_iri}submission/{self.name}"

    def graph(self, kind: str, organisation: str) -> str:
        """The IRI of an organisation's graph of this kind."""
        return f"{self.base_iri}graph/{kind}/{organisation}"

    def kind_of(self, outcome: Outcome) -> str:
        """The kind of one file's submission: a call may merge one file and not another."""
        return self.kind or ("patch" if outcome.merged else "")

    def n_triples(self, outcomes: list[Outcome]) -> bytes:
        """The statements to add to the provenance graph, as N-Triples."""
        triples = [
            *self._call(),
            *(triple for outcome in outcomes for triple in self._file(outcome)),
        ]
        return b"".join(f"{triple} .\n".encode() for triple in dict.fromkeys(triples))

    def _call(self) -> Iterator[ox.Triple]:
        agent, model = self.sender.iri(self.base_iri), f"{self.base_iri}model/{self.model[:16]}"
        software = f"{self.base_iri}id/agent/coprod-kg-software"
        yield from self._activity(self.activity, "A call that submits data")
        yield from _statements(
            agent, ("rdf:type", "prov:Agent"), ("rdfs:label", _text(self.sender.label))
        )
        yield from _statements(
            software,
            ("rdf:type", "prov:SoftwareAgent"),
            ("rdfs:label", _text("The software coprod-kg")),
        )
        yield from _statements(
            model,
            ("rdf:type", "prov:Entity"),
            ("rdfs:label", _text("The ontology, shapes and rules that data was checked with")),
            ("dcterms:identifier", _plain(f"sha256:{self.model}")),
        )

    def _file(self, outcome: Outcome) -> Iterator[ox.Triple]:
        organisation = outcome.organisation or ""
        submission = f"{self.activity}/{organisation}"
        file, report = f"{submission}/file", f"{submission}/report"
        agent = self.sender.iri(self.base_iri)
        yield from self._activity(submission, f"The submission of {outcome.file}")
        yield from _statements(
            submission,
            ("dcterms:isPartOf", ox.NamedNode(self.activity)),
            ("prov:used", ox.NamedNode(file)),
            ("prov:used", ox.NamedNode(f"{self.base_iri}model/{self.model[:16]}")),
        )
        if kind := self.kind_of(outcome):
            yield from _statements(submission, ("dcterms:type", _plain(kind)))
        yield from _statements(
            file,
            ("rdf:type", "prov:Entity"),
            ("rdfs:label", _plain(outcome.file)),
            ("dcterms:identifier", _plain(f"sha256:{outcome.sha256}")),
            ("dcterms:extent", _plain(f"{len(outcome.sent.content) if outcome.sent else 0} bytes")),
            ("prov:wasAttributedTo", ox.NamedNode(agent)),
        )
        yield from self._outcome(report, submission, outcome)
        yield from self._graphs(organisation, submission, file)
        if outcome.checked.links:
            yield from self._stated_graph("same-as", organisation, submission, file)

    def _outcome(self, report: str, submission: str, outcome: Outcome) -> Iterator[ox.Triple]:
        counts = ", ".join(
            f"{outcome.report.count(severity)} of severity {severity}" for severity in Severity
        )
        yield from _statements(
            report,
            ("rdf:type", "sh:ValidationReport"),
            ("rdfs:label", _text(f"The validation of {outcome.file}")),
            ("sh:conforms", _typed(str(outcome.report.conforms).lower(), "boolean")),
            ("dcterms:description", _text(f"Findings: {counts}.")),
            ("prov:wasGeneratedBy", ox.NamedNode(submission)),
        )

    def _graphs(self, organisation: str, submission: str, file: str) -> Iterator[ox.Triple]:
        yield from self._stated_graph("organisation", organisation, submission, file)
        yield from _statements(
            self.graph("assessment", organisation),
            ("rdf:type", "prov:Entity"),
            ("prov:wasDerivedFrom", ox.NamedNode(self.graph("organisation", organisation))),
            (
                "prov:wasAttributedTo",
                ox.NamedNode(f"{self.base_iri}id/agent/coprod-kg-software"),
            ),
        )

    def _stated_graph(
        self, kind: str, organisation: str, submission: str, file: str
    ) -> Iterator[ox.Triple]:
        yield from _statements(
            self.graph(kind, organisation),
            ("rdf:type", "prov:Entity"),
            ("prov:wasGeneratedBy", ox.NamedNode(submission)),
            ("prov:wasDerivedFrom", ox.NamedNode(file)),
            ("prov:wasAttributedTo", ox.NamedNode(self.sender.iri(self.base_iri))),
        )

    def _activity(self, iri: str, label: str) -> Iterator[ox.Triple]:
        yield from _statements(
            iri,
            ("rdf:type", "prov:Activity"),
            ("rdfs:label", _text(label)),
            ("prov:startedAtTime", _typed(self.times[0].isoformat(), "dateTime")),
            ("prov:endedAtTime", _typed(self.times[1].isoformat(), "dateTime")),
            ("prov:wasAssociatedWith", ox.NamedNode(self.sender.iri(self.base_iri))),
        )


def _statements(
    subject: str, *pairs: tuple[str, str | ox.NamedNode | ox.Literal]
) -> Iterator[ox.Triple]:
    for name, value in pairs:
        yield ox.Triple(
            ox.NamedNode(subject), named(name), named(value) if isinstance(value, str) else value
        )


def _text(text: str) -> ox.Literal:
    return ox.Literal(text, language="en")


def _plain(text: str) -> ox.Literal:
    return ox.Literal(text)


def _typed(text: str, datatype: str) -> ox.Literal:
    return ox.Literal(text, datatype=named(f"xsd:{datatype}"))
