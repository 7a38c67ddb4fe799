"""Conversion of answers to statements, the same as a submission of them sends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, named, prefixes, shorten
from coprod_kg.selfassessment.answers import Answers, State, fits_kind
from coprod_kg.selfassessment.questionnaire import Questionnaire
from coprod_kg.selfassessment.questions import DOCUMENTS, Field, Kind, Question
from coprod_kg.workbook.identifiers import scoped, slug

__all__ = ["Claimant", "Statements", "statements_of", "turtle"]

_TYPE: Final = named("rdf:type")
_LABEL: Final = named("rdfs:label")
_SEVERAL_OF_ONE: Final = expand("cp:KnowledgeFlow")
"""Claims of this class are several even with one key value: two questions describe two flows."""
_UNNAMED: Final = "my-initiative"
_NAMELESS: Final = "?"


@dataclass(frozen=True, slots=True)
class Claimant:
    """The claimant of the answers.

    Attributes:
        organisation: the last part of the IRI of the organisation that runs it, where known.
        agent: the claimant where it is not the organisation: the last part of its IRI, its name.
        day: the day of the claim, or None where that does not matter.
        described: whether the organisation is described already, and only referred to here.
    """

    organisation: str = ""
    agent: tuple[str, str] | None = None
    day: date | None = None
    described: bool = False


@dataclass
class Statements:
    """The statements that answers make.

    Attributes:
        initiative: IRI of the initiative.
        organisation: IRI of the organisation that runs it, or None.
        triples: all of them.
        claims: name of a question → IRIs of the claims that its answer makes.
    """

    initiative: str
    organisation: str | None
    triples: list[ox.Triple] = field(default_factory=list)
    claims: dict[str, list[str]] = field(default_factory=dict)


def statements_of(
    answers: Answers, questionnaire: Questionnaire, base_iri: str, claimant: Claimant | None = None
) -> Statements:
    """The statements of some answers."""
    return _Writer(answers, questionnaire, base_iri, claimant or Claimant()).write()


def turtle(statements: Statements) -> str:
    """Statements as Turtle, sorted, with the prefixes that they use."""
    names = " ".join(str(triple) for triple in statements.triples)
    used = {prefix: space for prefix, space in prefixes().items() if f"<{space}" in names}
    triples = sorted(set(statements.triples), key=str)
    text = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=used)
    return (text or b"").decode()


class _Writer:
    def __init__(
        self, answers: Answers, questionnaire: Questionnaire, base_iri: str, claimant: Claimant
    ) -> None:
        self._answers, self._questionnaire, self._base = answers, questionnaire, base_iri
        self._claimant = claimant
        runner = answers.first("Ask-runner")
        organisation = (claimant.organisation or slug(runner)) if runner else ""
        name = answers.first("Ask-name")
        self._slug = (
            scoped(organisation, slug(name))
            if name and organisation
            else (slug(name) if name else _UNNAMED)
        )
        self._initiative = self._iri("initiative", self._slug)
        self._organisation = self._iri("organisation", organisation) if organisation else None
        self._statements = Statements(
            self._initiative.value, self._organisation.value if self._organisation else None
        )

    def write(self) -> Statements:
        self._add(self._initiative, _TYPE, named("cp:Initiative"))
        if not self._answers.first("Ask-name"):
            self._add(self._initiative, _LABEL, ox.Literal(_NAMELESS))
        if self._organisation is not None:
            self._add(self._initiative, named("cp:runBy"), self._organisation)
            if not self._claimant.described:
                runner_label = self._text(self._answers.first("Ask-runner"))
                self._add(self._organisation, _TYPE, named("org:Organization"))
                self._add(self._organisation, _LABEL, runner_label)
        for question in self._questionnaire.questions.values():
            if question.criterion is not None:
                self._add_criterion(question)
            else:
                self._add_own(question, question.fields[0])
        self._add_documents()
        if self._statements.claims and not self._by_organisation:
            agent, label = self._claimant.agent or ("self-assessment", "Self-assessment")
            self._add(self._iri("agent", agent), _TYPE, named("prov:Agent"))
            self._add(self._iri("agent", agent), _LABEL, self._text(label))
        self._statements.triples = list(dict.fromkeys(self._statements.triples))
        return self._statements

    @property
    def _by_organisation(self) -> bool:
        return self._organisation is not None and self._claimant.agent is None

    def _add_criterion(self, question: Question) -> None:
        state = self._answers.holds(question)
        subject = self._organisation if question.of_organisation else self._initiative
        if not state or subject is None or question.criterion is None:
            return
        if state != State.YES:
            finding = "does-not-hold" if state == State.NO else "not-found"
            claim = self._add_claim(question, expand("cp:AbsenceClaim"), subject, question.name)
            self._add(claim, named("cp:hasFinding"), named(f"finding:{finding}"))
            self._add(claim, named("cp:looksForCriterion"), ox.NamedNode(question.criterion.iri))
            return
        for form_field in question.fields:
            if not form_field.claim:
                for value in self._values(form_field):
                    self._add(subject, ox.NamedNode(form_field.prop), value)
        for kind in dict.fromkeys(
            form_field.claim for form_field in question.fields if form_field.claim
        ):
            self._add_claims(question, kind, subject)

    def _add_claims(self, question: Question, kind: str, subject: ox.NamedNode) -> None:
        """One claim for each value of the property that claims of the class require."""
        fields = [form_field for form_field in question.fields if form_field.claim == kind]
        tied = [form_field for form_field in fields if form_field.per]
        values = {
            form_field.prop: self._values(form_field) for form_field in fields if not form_field.per
        }
        assumed = {prop: [ox.NamedNode(iri)] for prop, iri in question.assumed.items()}
        if not any(values.values()):
            return
        key = self._questionnaire.submissions.required(kind)[0]
        values = {**assumed, **values}
        for value in values.pop(key, []):
            claim_key = question.name if kind == _SEVERAL_OF_ONE else value
            claim = self._add_claim(question, kind, subject, claim_key)
            self._add(claim, ox.NamedNode(key), value)
            tied_values = {
                form_field.prop: self._values(
                    replace(form_field, name=form_field.of(shorten(value.value)))
                )
                for form_field in tied
            }
            for prop, other_values in {**values, **tied_values}.items():
                for other in other_values:
                    self._add(claim, ox.NamedNode(prop), other)

    def _add_own(self, question: Question, form_field: Field) -> None:
        """The answer to a question that no criterion asks."""
        if form_field.kind is Kind.BARRIERS:
            self._add_barriers(question, form_field)
        elif question.name in ("Ask-runner", "Ask-standpoint") or form_field.kind is Kind.DOCUMENTS:
            return
        elif not form_field.claim:
            for value in self._values(form_field):
                self._add(self._initiative, ox.NamedNode(form_field.prop), value)
        else:
            for value in self._values(form_field):
                # Culture is a trait of an organisation.
                culture = value == named("stage:culture") and self._organisation is not None
                subject = self._organisation if culture else self._initiative
                claim = self._add_claim(
                    question, form_field.claim, subject or self._initiative, value
                )
                self._add(claim, ox.NamedNode(form_field.prop), value)

    def _add_barriers(self, question: Question, form_field: Field) -> None:
        for key in self._answers.all(form_field.name):
            claim = self._add_claim(question, form_field.claim, self._initiative, named(key))
            self._add(claim, ox.NamedNode(form_field.prop), named(key))
            for part, prop in (("status", "cp:barrierStatus"), ("by", "cp:overcomeBy")):
                value = self._answers.first(f"{form_field.name}.{key}.{part}")
                if value:
                    self._add(claim, named(prop), named(value))

    def _add_documents(self) -> None:
        for number in DOCUMENTS:
            start = f"Ask-evidence.{number}"
            title = self._answers.first(f"{start}.title")
            if not title:
                continue
            document = self._iri("evidence", f"{self._slug}-{slug(title)}"[:120].rstrip("-"))
            self._add(document, _TYPE, named("cp:Evidence"))
            self._add(document, _LABEL, self._text(title))
            for part in ("page", "kind", "issued", "independence"):
                form_field = self._questionnaire.field(f"{start}.{part}")
                if form_field is not None:
                    for value in self._values(form_field):
                        self._add(document, ox.NamedNode(form_field.prop), value)
            for question in self._answers.all(f"{start}.shows"):
                for claim in self._statements.claims.get(question, ()):
                    self._add(ox.NamedNode(claim), named("cp:supportedBy"), document)

    def _add_claim(
        self, question: Question, kind: str, subject: ox.NamedNode, claim_key: Any
    ) -> ox.NamedNode:
        """A new claim about a subject, or the one that another question made already.

        Args:
            question: the question.
            kind: the class of the claim.
            subject: the subject of the claim.
            claim_key: what distinguishes it from others: a concept, or the name of the question.
        """
        suffix = "" if subject == self._initiative else "-organisation"
        concept = Model.installed().concepts.get(getattr(claim_key, "value", ""))
        last = concept.slug if concept else str(claim_key)
        label = (concept.label if concept else question.text)(self._answers.language)
        claim = self._iri(_kind_slug(kind), f"{self._slug}{suffix}-{slug(last)}")
        self._statements.claims.setdefault(question.name, []).append(claim.value)
        self._add(claim, _TYPE, ox.NamedNode(kind))
        self._add(claim, named("cp:about"), subject)
        if self._by_organisation and self._organisation is not None:
            self._add(claim, named("cp:claimedBy"), self._organisation)
        else:
            agent = (self._claimant.agent or ("self-assessment", ""))[0]
            self._add(claim, named("cp:claimedBy"), self._iri("agent", agent))
        basis = "secondary-coding" if self._claimant.agent else "self-claim"
        self._add(claim, named("cp:basis"), named(f"basis:{basis}"))
        if self._claimant.day:
            self._add(claim, named("cp:claimedOn"), _dated(self._claimant.day.isoformat()))
        self._add(claim, _LABEL, self._text(f"{self._name}: {label}"))
        for value in self._answers.all("Ask-standpoint"):
            self._add(claim, named("cp:standpoint"), named(value))
        return claim

    @property
    def _name(self) -> str:
        return self._answers.first("Ask-name") or _NAMELESS

    def _values(self, form_field: Field) -> list[Any]:
        """The values of a field as terms."""
        if form_field.implied:
            return [ox.NamedNode(option.concept.iri) for option in form_field.options]
        values = self._answers.all(form_field.name)
        if form_field.options:
            return [ox.NamedNode(expand(value)) for value in values]
        return list(self._terms(form_field, values))

    def _terms(self, form_field: Field, values: Iterable[str]) -> Iterator[Any]:
        for value in values:
            if not fits_kind(form_field, value):
                continue  # `answers.read` reports it; until it is mended it makes no statement
            if form_field.kind is Kind.DATE:
                yield _dated(value)
            elif form_field.kind is Kind.NUMBER:
                yield ox.Literal(str(int(value)), datatype=named("xsd:integer"))
            elif form_field.kind is Kind.ADDRESS:
                yield ox.NamedNode(value)
            else:
                yield self._text(value)

    def _text(self, value: str) -> ox.Literal:
        return ox.Literal(value, language=self._answers.language)

    def _iri(self, kind: str, name: str) -> ox.NamedNode:
        return ox.NamedNode(f"{self._base}id/{kind}/{name}")

    def _add(self, subject: Any, prop: ox.NamedNode, value: Any) -> None:
        self._statements.triples.append(ox.Triple(subject, prop, value))


def _dated(value: str) -> ox.Literal:
    """A day, a month or a year as exact as it was written."""
    kind = {4: "xsd:gYear", 7: "xsd:gYearMonth"}.get(len(value), "xsd:date")
    return ox.Literal(value, datatype=named(kind))


def _kind_slug(kind: str) -> str:
    """The part of an IRI for the class of a thing: ``barrier-report``."""
    local = shorten(kind).partition(":")[2]
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in local).strip("-")
