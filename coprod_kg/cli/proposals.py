"""``coprod-kg proposals``: self-assessments sent without a token, and what becomes of them."""

import json

import click

from coprod_kg.cli.context import pass_settings
from coprod_kg.client.sources import open_store
from coprod_kg.errors import WrongUsage
from coprod_kg.formats.text_columns import aligned, terminal_width
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import reported
from coprod_kg.ingest.submit import Sender
from coprod_kg.selfassessment.answers import in_words, read
from coprod_kg.selfassessment.proposals import Proposals, Standing
from coprod_kg.selfassessment.questionnaire import questionnaire
from coprod_kg.selfassessment.sending import accept as take_in
from coprod_kg.selfassessment.sending import submit_proposal
from coprod_kg.settings import Settings

__all__ = ["proposals"]


@click.group(
    invoke_without_command=True, epilog="Example: coprod-kg proposals show 3f2a90c1d4e5b677"
)
@pass_settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def proposals(context: click.Context, settings: Settings, *, as_json: bool) -> None:
    """List the proposals that wait, the oldest first; see one, take it in, or send it back."""
    if context.invoked_subcommand is not None:
        return
    waiting = Proposals(settings).waiting()
    if as_json:
        document = {"proposals": [proposal.summary() for proposal in waiting]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    rows = [
        [
            proposal.id,
            proposal.received[:16],
            proposal.value("Ask-name"),
            proposal.value("Ask-runner"),
            proposal.contact,
        ]
        for proposal in waiting
    ]
    header = ("Proposal", "Received", "Initiative", "Organisation", "Contact")
    for line in aligned(header, rows, (), terminal_width()):
        click.echo(line)
    if not waiting:
        click.echo("None waits.", err=True)


@proposals.command(epilog="Example: coprod-kg proposals show 3f2a90c1d4e5b677")
@pass_settings
@click.argument("proposal")
def show(settings: Settings, proposal: str) -> None:
    """Print what a proposal says, and what it would change."""
    proposal_found = Proposals(settings).read(proposal)
    questions = questionnaire()
    answers, _ = read(proposal_found.answers, questions)
    for question, values in in_words(answers, questions):
        line = f"{question} {'; '.join(values)}"
        click.echo("".join(sign for sign in line if sign.isprintable()))
    if proposal_found.standing is not Standing.WAITING:
        click.echo(f"It is {proposal_found.standing}.")
        return
    with open_store(settings) as store:
        outcomes = submit_proposal(proposal_found, store, settings, Sender(), dry_run=True)
    click.echo(as_text(reported(outcomes), settings.base_iri, dry_run=True))


@proposals.command(epilog="Example: coprod-kg proposals accept 3f2a90c1d4e5b677 --said")
@pass_settings
@click.argument("proposal")
@click.option("--claim", is_flag=True, help="As the organisation's own claim.")
@click.option("--said", is_flag=True, help="As what somebody says about the organisation.")
@click.option("--organisation", default="", help="The identifier of the organisation.")
@click.option("--sentence", default="", help="What the sender is told.")
def accept(
    settings: Settings,
    proposal: str,
    *,
    claim: bool,
    said: bool,
    organisation: str,
    sentence: str,
) -> None:
    """Take a proposal in, as the organisation's own claim or as what somebody says about it."""
    if claim == said:
        raise WrongUsage(
            "whose claim it is has to be said",
            fix="Add --claim where you know that it comes from the organisation, --said where "
            "somebody says it about the organisation.",
        )
    proposal_found = Proposals(settings).read(proposal)
    with open_store(settings) as store:
        outcome = take_in(
            proposal_found,
            store,
            settings,
            Sender(),
            organisation=organisation,
            as_claim=claim,
            sentence=sentence,
        )
    click.echo(f"{proposal} is accepted; submission {outcome.submission}")


@proposals.command(
    name="return",
    epilog='Example: coprod-kg proposals return 3f2a90c1d4e5b677 "Name the document."',
)
@pass_settings
@click.argument("proposal")
@click.argument("sentence")
def return_(settings: Settings, proposal: str, sentence: str) -> None:
    """Send a proposal back with a sentence that says what to mend."""
    Proposals(settings).decide(proposal, Standing.RETURNED, sentence)
    click.echo(f"{proposal} is sent back.")


@proposals.command(epilog="Example: coprod-kg proposals discard 3f2a90c1d4e5b677")
@pass_settings
@click.argument("proposal")
@click.option("--sentence", default="", help="What the sender is told.")
def discard(settings: Settings, proposal: str, sentence: str) -> None:
    """Discard a proposal: nothing of it enters."""
    Proposals(settings).decide(proposal, Standing.DISCARDED, sentence)
    click.echo(f"{proposal} is discarded.")
