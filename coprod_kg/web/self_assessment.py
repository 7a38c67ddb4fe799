"""Routes of ``/self-assessment``: six steps of questions, their result, the file to go on with.

The answers travel in the form and nowhere else: each request holds all of them, and is read,
bounded and checked like the first. Nothing is kept, and no cookie is set.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from flask import Blueprint, Flask, Response, request

from coprod_kg.assessment.values import as_values
from coprod_kg.errors import TooLarge, Unauthorised
from coprod_kg.selfassessment.answers import Answers, Problem, read
from coprod_kg.selfassessment.proposals import Proposals
from coprod_kg.selfassessment.questionnaire import Questionnaire, questionnaire
from coprod_kg.selfassessment.questions import Step
from coprod_kg.selfassessment.saved_file import MOST_BYTES, saved_answers, saved_text
from coprod_kg.selfassessment.sending import file_of, missing
from coprod_kg.selfassessment.statements import Statements, statements_of
from coprod_kg.selfassessment.verdict import count_answers, next_steps, profiles, verdict
from coprod_kg.store.base import NOTHING
from coprod_kg.web.client_slots import client
from coprod_kg.web.explorer.assessed import PageStore, shown
from coprod_kg.web.explorer.page import LANGUAGES, Page
from coprod_kg.web.pages.self_assessment import StepView
from coprod_kg.web.pages.submission import offers
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import Site
from coprod_kg.web.submitting import received
from coprod_kg.web.upload import grant_of_field

__all__ = ["blueprint", "prepare"]

_CONTROLS: Final = ("step", "to", "find", "token", "contact")
"""Fields of the form that are no answers: the step filled in, where to go, words to look for, and
who sends it."""
_FILE: Final = "file"
_TEMPLATES: Final = ("explorer/self-assessment.html", "explorer/self-assessment-result.html")


def blueprint(site: Site) -> Blueprint:
    """The routes of the self-assessment, in each language."""
    routes = Blueprint("self_assessment", __name__)
    view = partial(_answer, site)
    methods = ["GET", "POST"]
    english = {"language": LANGUAGES[0]}
    rule = "/self-assessment"
    routes.add_url_rule(rule, endpoint="form", view_func=view, defaults=english, methods=methods)
    routes.add_url_rule(
        f"/<language:language>{rule}", endpoint="form", view_func=view, methods=methods
    )
    return routes


def prepare(app: Flask) -> None:
    """Make ready what the first step would wait for: questions, rules, profiles and templates."""
    nothing, asked = Answers({}), questionnaire()
    verdict(statements_of(nothing, asked, app.config["SETTINGS"].base_iri), nothing)
    for name in _TEMPLATES:
        app.jinja_env.get_template(name)


@dataclass(frozen=True, slots=True)
class _Form:
    """What a request of the form says.

    Attributes:
        answers: all that was answered.
        problems: what is wrong with it.
        controls: name → value of the fields that are no answers.
        opened: whether the answers come from a file.
    """

    answers: Answers
    problems: list[Problem]
    controls: Mapping[str, str]
    opened: bool = False


def _answer(site: Site, language: str) -> Response:
    """One step of the form, its result, or the answers as a file."""
    page, asked = Page(site, language), questionnaire()
    form = _Form(Answers({}, language), [], {})
    if request.method == "POST":
        form = _read(asked, language)
    to = form.controls.get("to", "")
    number = _number(form.controls.get("step", ""), asked)
    blocking = _blocking(form, asked, number, to)
    if blocking is None:
        statements = statements_of(form.answers, asked, site.settings.base_iri)
        if to == "save":
            return _file(form.answers, statements)
        if to == "json":
            return _json(page, form.answers, statements)
        if to in ("check", "send"):
            return _send(page, form, statements, dry_run=to == "check")
        if to == "propose":
            return _propose(page, form)
        if to == "result":
            return _result(page, form, statements)
    return _step(page, form, blocking or _wanted(to, number, asked))


def _read(asked: Questionnaire, language: str) -> _Form:
    """The answers of a form, or of the file that was chosen in it."""
    if (request.content_length or 0) > 2 * MOST_BYTES:
        raise TooLarge(
            "the form is larger than any that is sent from here",
            fix="Begin again at /self-assessment.",
        )
    pairs = list(request.form.items(multi=True))
    controls = {name: value[:200] for name, value in pairs if name in _CONTROLS}
    if controls.get("to") == "open":
        file = request.files.get(_FILE)
        if file is None or not file.filename:
            problems = [Problem(_FILE, "no-file")]
            return _Form(Answers({}, language), problems, {"to": "1"})
        answers, problems = saved_answers(file.read(MOST_BYTES + 1), asked)
        return _Form(answers, problems, {"to": "1"}, opened=True)
    answers, problems = read(
        [pair for pair in pairs if pair[0] not in (*_CONTROLS, _FILE)], asked, language
    )
    return _Form(answers, problems, controls)


def _number(text: str, asked: Questionnaire) -> int:
    """The number of a step, or that of the first."""
    numbers = [step.number for step in asked.steps]
    return next((number for number in numbers if str(number) == text), numbers[0])


def _wanted(to: str, number: int, asked: Questionnaire) -> int:
    """The step that a button leads to."""
    if to == "next":
        return min(number + 1, len(asked.steps))
    if to == "back":
        return max(number - 1, 1)
    return number if to in ("here", "find", "") else _number(to, asked)


def _blocking(form: _Form, asked: Questionnaire, number: int, to: str) -> int | None:
    """The step that has to be mended before one goes on, or None.

    What is wrong in another step is no matter before the result is asked for.
    """
    wrong = [_step_of(problem, asked) or number for problem in form.problems]
    if number in wrong and (form.controls.get("step") or form.opened):
        return number
    if to in ("check", "send", "propose") and not wrong:
        form.problems.extend(missing(form.answers))
        wrong = [_step_of(problem, asked) or number for problem in form.problems]
    leaves = to in ("result", "save", "json", "check", "send", "propose")
    return min(wrong) if wrong and leaves else None


def _step_of(problem: Problem, asked: Questionnaire) -> int | None:
    name = problem.name.partition(".")[0]
    for step in asked.steps:
        if any(question.name == name for question in step.questions):
            return step.number
    return None


def _step(page: Page, form: _Form, number: int) -> Response:
    """One step, with the verdict so far beside it."""
    asked = questionnaire()
    step = asked.steps[number - 1]
    statements = statements_of(form.answers, asked, page.site.settings.base_iri)
    explanation = verdict(statements, form.answers, language=page.language)
    met = {found.criterion.iri for found in explanation.judgement.verdicts if found.met}
    met |= {v.criterion.iri for runner in explanation.runners for v in runner.verdicts if v.met}
    response = page.render(
        _TEMPLATES[0],
        asked=asked,
        step=step,
        answers=form.answers,
        carried=_carried(form.answers, step),
        problems=[(problem, _step_of(problem, asked)) for problem in form.problems],
        wrong={problem.name: problem for problem in form.problems},
        find=form.controls.get("find", ""),
        opened=form.opened,
        explanation=explanation,
        met=met,
        statements=statements,
        view=StepView(page.language),
        sections=StepView(page.language).sections(step, form.answers, asked),
    )
    if request.method == "POST":
        _only_now(response)
        response.status_code = 422 if form.problems and not form.opened else 200
    return response


def _carried(answers: Answers, step: Step) -> list[tuple[str, str]]:
    """The answers of the other steps, which the form carries along."""
    own = {question.name for question in step.questions}
    return [pair for pair in answers.pairs() if pair[0].partition(".")[0] not in own]


def _result(page: Page, form: _Form, statements: Statements) -> Response:
    """Where it stands, what others did, and what to do next."""
    store = PageStore(page.site.store, NOTHING, page=page)
    explanation = verdict(statements, form.answers, store, page.language)
    found = shown(page, explanation, profiles())
    count_answers(found.values, explanation)
    for profile in (*found.values["profiles"], *_organisation(found.values)):
        for criterion in profile["criteria"]:
            criterion["decided"] = []  # by the answers alone, which no page shows
    return _only_now(
        page.render(
            _TEMPLATES[1],
            asked=questionnaire(),
            answers=form.answers,
            carried=form.answers.pairs(),
            assessed=found,
            explanation=explanation,
            organisation=_organisation(found.values),
            steps=next_steps(explanation, form.answers),
            problems=[(problem, None) for problem in form.problems],
            wrong={problem.name: problem for problem in form.problems},
            contact=form.controls.get("contact", ""),
            takes=page.site.settings.proposals > 0,
        ),
        422 if form.problems else 200,
    )


def _send(page: Page, form: _Form, statements: Statements, *, dry_run: bool) -> Response:
    """The ordinary submission, by the token in the form; its report is the answer."""
    site, token = page.site, form.controls.get("token", "").strip()
    try:
        grant = grant_of_field(token, site.tokens)
    except Unauthorised:
        form.problems.append(Problem("token", "wrong-token"))
        return _result(page, form, statements)
    base, organisation = site.settings.base_iri, grant.organisation or ""
    sent = file_of(form.answers, site.store, base, organisation)
    return _only_now(received(site, lambda: sent, (grant, dry_run, True), offers()[0].format))


def _propose(page: Page, form: _Form) -> Response:
    """A proposal, at an address that only its sender is told."""
    known = request_log(request)
    contact = form.controls.get("contact", "").strip()
    sender = str(client(known.client).key)
    address = Proposals(page.site.settings).add(form.answers.pairs(), contact, sender)
    response = Response(status=303, headers={"Location": page.to(f"/proposals/{address}")})
    return _only_now(response)


def _organisation(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The profiles of the organisation that runs it."""
    return [profile for runner in values["runBy"] for profile in runner["profiles"]]


def _file(answers: Answers, statements: Statements) -> Response:
    """The answers as a file to go on with later."""
    response = Response(saved_text(answers, statements), content_type="text/turtle; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="self-assessment.ttl"'
    return _only_now(response)


def _json(page: Page, answers: Answers, statements: Statements) -> Response:
    """The result for a program."""
    store = PageStore(page.site.store, NOTHING, page=page)
    explanation = verdict(statements, answers, store, page.language)
    assessment = as_values(explanation, profiles())
    count_answers(assessment, explanation)
    told = {
        "answers": [list(pair) for pair in answers.pairs()],
        "assessment": assessment,
        "nextSteps": [
            {
                "kind": step.kind,
                "criterion": step.verdict and step.verdict.criterion.iri,
                "barrier": step.barrier and step.barrier.iri,
            }
            for step in next_steps(explanation, answers)
        ],
    }
    body = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    response = Response(body, content_type="application/json")
    response.headers["Dataset-Version"] = str(page.version)
    return _only_now(response)


def _only_now(response: Response, status: int | None = None) -> Response:
    """A response that nobody keeps: it holds what somebody answered."""
    response.status_code = status or response.status_code
    response.headers["Cache-Control"] = "no-store"
    for name in ("ETag", "Last-Modified"):
        response.headers.pop(name, None)
    return response
