"""Routes of ``/proposals``: what became of one, for its sender; those that wait, for curators."""

from functools import partial

from flask import Blueprint, Response, render_template, request

from coprod_kg.access import Grant
from coprod_kg.errors import WrongUsage
from coprod_kg.formats.media_types import HTML, negotiate
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import reported
from coprod_kg.selfassessment.answers import in_words, read
from coprod_kg.selfassessment.proposals import Proposal, Proposals, Standing
from coprod_kg.selfassessment.questionnaire import questionnaire
from coprod_kg.selfassessment.sending import accept, submit_proposal
from coprod_kg.web.authorisation import curator, holder
from coprod_kg.web.explorer.page import LANGUAGES, Page
from coprod_kg.web.pages.submission import JSON, as_json
from coprod_kg.web.protocol import FORM
from coprod_kg.web.site import Site
from coprod_kg.web.upload import grant_of_field, sender_of

__all__ = ["blueprint"]

_WHAT = "Reading proposals"
_ID_LENGTH = 16
"""Of what curators call a proposal; the address of its sender is longer."""


def blueprint(site: Site) -> Blueprint:
    """The routes of proposals."""
    routes = Blueprint("proposals", __name__)
    path, english = "/proposals/<name>", {"language": LANGUAGES[0]}
    shown = partial(_shown, site)
    routes.add_url_rule("/proposals", endpoint="waiting", view_func=partial(_waiting, site))
    routes.add_url_rule(path, endpoint="shown", view_func=shown, defaults=english)
    routes.add_url_rule(f"/<language:language>{path}", endpoint="shown", view_func=shown)
    routes.add_url_rule(
        path, endpoint="decided", view_func=partial(_decided, site), methods=["POST"]
    )
    return routes


def _waiting(site: Site) -> Response:
    """Those that wait, the oldest first, for curators."""
    curator(request, site.tokens, _WHAT)
    wanted = negotiate(request.headers.get("Accept"), (JSON, HTML))[0].format
    found = Proposals(site.settings).waiting()
    if wanted != HTML:
        return _unshared(as_json({"proposals": [proposal.summary() for proposal in found]}))
    return _unshared(Response(render_template("proposals.html", proposals=found)))


def _shown(site: Site, language: str, name: str) -> Response:
    """What became of a proposal, for its sender; what it says, for a curator."""
    if len(name) == _ID_LENGTH:
        curator(request, site.tokens, _WHAT)
        return _for_curator(site, Proposals(site.settings).read(name))
    proposal = Proposals(site.settings).at_address(name)
    if negotiate(request.headers.get("Accept"), (HTML, JSON))[0].format == JSON:
        return _unshared(as_json(proposal.for_sender()))
    days = site.settings.proposal_days
    page = Page(site, language)
    return _unshared(page.render("explorer/proposal.html", proposal=proposal, days=days))


def _for_curator(site: Site, proposal: Proposal) -> Response:
    asked = questionnaire()
    answers, _ = read(proposal.answers, asked)
    report = ""
    if proposal.standing is Standing.WAITING:
        with site.checking():
            seen, sender = site.restricted_store, sender_of(_curator(site))
            outcomes = submit_proposal(proposal, seen, site.settings, sender, dry_run=True)
        report = as_text(reported(outcomes), site.settings.base_iri, dry_run=True)
    if negotiate(request.headers.get("Accept"), (HTML, JSON))[0].format == JSON:
        told = {**proposal.summary(), "answers": [list(pair) for pair in proposal.answers]}
        return _unshared(as_json({**told, "report": report}))
    shown = in_words(answers, asked)
    page = render_template("proposal.html", proposal=proposal, shown=shown, report=report)
    return _unshared(Response(page))


def _decided(site: Site, name: str) -> Response:
    """A curator's decision on a proposal; a form has the token in a field."""
    grant = _curator(site)
    proposals, fields = Proposals(site.settings), request.form
    decision, sentence = fields.get("decision", ""), fields.get("sentence", "").strip()[:1000]
    proposal = proposals.read(name)
    if decision in ("claim", "said"):
        with site.checking(grant):
            made = accept(
                proposal,
                site.restricted_store,
                site.settings,
                sender_of(grant),
                organisation=fields.get("organisation", "").strip(),
                as_claim=decision == "claim",
                sentence=sentence,
            )
    elif decision == "return" and sentence:
        made = proposals.decide(name, Standing.RETURNED, sentence)
    elif decision == "discard":
        made = proposals.decide(name, Standing.DISCARDED, sentence)
    else:
        raise WrongUsage(
            "this is no decision",
            where="field decision",
            fix="Send claim, said, return (with a sentence) or discard.",
        )
    if negotiate(request.headers.get("Accept"), (JSON, HTML))[0].format == HTML:
        return Response(status=303, headers={"Location": "/proposals"})
    return _unshared(as_json(made.summary()))


def _curator(site: Site) -> Grant:
    held = holder(request, site.tokens)
    if held is None and request.mimetype == FORM:
        held = grant_of_field(request.form.get("token", "").strip(), site.tokens)
    if held is None:
        return curator(request, site.tokens, "Deciding on a proposal")
    held.check_curator()
    return held


def _unshared(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers.pop("ETag", None)
    return response
