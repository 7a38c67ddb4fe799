"""Claims of the stages of a subject, with claimant, basis and evidence."""

from dataclasses import dataclass, replace

from coprod_kg.assessment.queries import labels_in, rows, text
from coprod_kg.assessment.sentences import Sentences
from coprod_kg.model.namespaces import is_secondary
from coprod_kg.store.base import Store

__all__ = ["CitedEvidence", "Claim", "claims_on"]


@dataclass(frozen=True, slots=True)
class CitedEvidence:
    """A piece of evidence that a claim cites.

    Attributes:
        iri: its IRI.
        label: its name.
        page: the address where it can be read, or None.
        independence: IRI of its degree of independence from its subject, or None where unknown.
    """

    iri: str
    label: str
    page: str | None
    independence: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One stage assessment.

    Attributes:
        iri: its IRI.
        stage: IRI of the stage.
        stage_label: the name of the stage.
        rank: the place of the stage in their order.
        claimant: the name of the claimant.
        claimant_iri: IRI of the claimant.
        basis: the basis of the claim, in words.
        secondary: whether it is secondary coding and not the organisation's own statement.
        since: from when it holds, or None.
        until: until when, or None.
        open: whether it is where the claimant sees the subject now.
        confidence: how sure the claimant is, in words, or None.
        comment: why it was coded so, or None.
        sources: the evidence that it cites.
    """

    iri: str
    stage: str
    stage_label: str
    rank: int
    claimant: str
    claimant_iri: str
    basis: str
    secondary: bool
    since: str | None
    until: str | None
    open: bool
    confidence: str | None
    comment: str | None
    sources: tuple[CitedEvidence, ...]


def claims_on(store: Store, subject: str, words: Sentences) -> tuple[Claim, ...]:
    """Every claimed stage of the subject, the oldest first.

    Args:
        store: where the claims are.
        subject: its IRI.
        words: the language of stages and bases.
    """
    claims: dict[str, Claim] = {}
    sources: dict[str, dict[str, CitedEvidence]] = {}
    claim_rows = list(rows(store, "claims", subject=[subject]))
    claimants = labels_in(words.language, claim_rows, "claimant", "claimantLabel")
    documents = labels_in(words.language, claim_rows, "evidence", "evidenceLabel")
    for row in claim_rows:
        iri, stage, basis = (row[name].value for name in ("claim", "stage", "basis"))
        if evidence := text(row, "evidence"):
            source = CitedEvidence(
                evidence,
                documents.get(evidence, evidence),
                text(row, "page"),
                text(row, "independence"),
            )
            sources.setdefault(iri, {})[evidence] = source
        claims.setdefault(
            iri,
            Claim(
                iri=iri,
                stage=stage,
                stage_label=words.concept(stage) or stage,
                rank=int(row["rank"].value),
                claimant=claimants[row["claimant"].value],
                claimant_iri=row["claimant"].value,
                basis=words.concept(basis) or basis,
                secondary=is_secondary(basis),
                since=text(row, "from"),
                until=text(row, "until"),
                open=row["open"].is_true,
                confidence=words.concept(text(row, "confidence")),
                comment=text(row, "comment"),
                sources=(),
            ),
        )
    return tuple(
        replace(claim, sources=tuple(sources.get(iri, {}).values()))
        for iri, claim in claims.items()
    )
