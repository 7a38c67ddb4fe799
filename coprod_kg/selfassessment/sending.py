"""Sending of a self-assessment: as a submission, or as a proposal that a curator takes in."""

from datetime import UTC, datetime

from coprod_kg.assessment.queries import rows
from coprod_kg.errors import NotConformant, WrongUsage
from coprod_kg.ingest.outcome import Sender, SubmittedFile
from coprod_kg.ingest.reported import as_table
from coprod_kg.ingest.submit import Outcome, SubmitOptions, submit
from coprod_kg.model.namespaces import SLUG
from coprod_kg.selfassessment.answers import Answers, Problem, read
from coprod_kg.selfassessment.proposals import Proposal, Proposals, Standing
from coprod_kg.selfassessment.questionnaire import questionnaire
from coprod_kg.selfassessment.statements import Claimant, statements_of, turtle
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store
from coprod_kg.workbook.identifiers import slug

__all__ = ["accept", "file_of", "missing", "submit_proposal"]

_SOMEBODY = "Somebody who proposed it, not confirmed by the organisation"


def missing(answers: Answers) -> list[Problem]:
    """A problem for each answer that sending needs and that is missing."""
    needed = ("Ask-name", "Ask-runner")
    return [Problem(name, "needed") for name in needed if not answers.first(name)]


def file_of(
    answers: Answers, store: Store, base_iri: str, organisation: str = "", agent: str = ""
) -> SubmittedFile:
    """The answers as a file to submit.

    Args:
        answers: the answers.
        store: where the organisation may be described already; then it is only referred to.
        base_iri: where things are named.
        organisation: the last part of its IRI; made of its name where it is left out.
        agent: the last part of the claimant's IRI, where that is not the organisation.

    Raises:
        WrongUsage: the organisation's name cannot stand in an IRI.
    """
    organisation = organisation or slug(answers.first("Ask-runner"))
    if not SLUG.fullmatch(organisation):
        raise WrongUsage(
            f"{organisation[:80]!r} is no identifier of an organisation",
            fix="Use small letters, digits and hyphens, such as my-council.",
        )
    iri = f"{base_iri}id/organisation/{organisation}"
    claimant = Claimant(
        organisation=organisation,
        agent=(agent, _SOMEBODY) if agent else None,
        day=datetime.now(UTC).date(),
        described=bool(list(rows(store, "labels", thing=[iri]))),
    )
    statements = statements_of(answers, questionnaire(), base_iri, claimant)
    return SubmittedFile(
        "self-assessment.ttl", turtle(statements).encode(), "text/turtle", organisation
    )


def accept(
    proposal: Proposal,
    store: Store,
    settings: Settings,
    sender: Sender,
    *,
    organisation: str = "",
    as_claim: bool = False,
    sentence: str = "",
) -> Proposal:
    """Submit a proposal and accept it, as the organisation's own claim or as an unknown agent's.

    Raises:
        NotConformant: it may not enter; it still waits.
        WrongUsage: it does not wait any more.
    """
    outcomes = submit_proposal(
        proposal, store, settings, sender, organisation=organisation, as_claim=as_claim
    )
    return _decide(proposal, outcomes, settings, sentence)


def submit_proposal(
    proposal: Proposal,
    store: Store,
    settings: Settings,
    sender: Sender,
    *,
    organisation: str = "",
    as_claim: bool = False,
    dry_run: bool = False,
) -> list[Outcome]:
    """Submit the answers of a proposal, or only check what that would change.

    Raises:
        WrongUsage: it does not wait any more.
    """
    if proposal.standing is not Standing.WAITING:
        raise WrongUsage(f"the proposal {proposal.id} is {proposal.standing} already")
    answers, _ = read(proposal.answers, questionnaire())
    agent = "" if as_claim else f"proposal-{proposal.id}"
    file = file_of(answers, store, settings.base_iri, organisation, agent)
    return submit([file], store, settings, sender, SubmitOptions(dry_run=dry_run, patch=True))


def _decide(
    proposal: Proposal, outcomes: list[Outcome], settings: Settings, sentence: str
) -> Proposal:
    table = as_table(outcomes)
    refused_outcome = next((outcome for outcome in outcomes if outcome.error is not None), None)
    if refused_outcome is not None:
        messages = [str(finding.message) for finding in refused_outcome.report.findings][:5]
        raise NotConformant(
            f"the proposal {proposal.id} cannot enter: {refused_outcome.error}",
            where="; ".join(messages) or None,
            fix="Send it back with a sentence that says what to mend, or discard it.",
        )
    submission = str(table["submission"] or "")
    return Proposals(settings).decide(proposal.id, Standing.ACCEPTED, sentence, submission)
