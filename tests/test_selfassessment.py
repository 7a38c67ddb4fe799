"""The self-assessment: its questions, its answers, and a verdict that is the one of `assess`."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from coprod_kg.assessment.explanation import Explainer
from coprod_kg.assessment.search import find
from coprod_kg.errors import TooLarge, Unreadable
from coprod_kg.ingest.submit import SubmittedFile, submit
from coprod_kg.model.files import files
from coprod_kg.model.files import read as read_turtle
from coprod_kg.model.graph import Graph
from coprod_kg.model.installed import Model
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.selfassessment.answers import Answers, read
from coprod_kg.selfassessment.questionnaire import Questionnaire, of_files, questionnaire
from coprod_kg.selfassessment.questions import DOCUMENTS, Kind
from coprod_kg.selfassessment.saved_file import saved_answers, saved_text
from coprod_kg.selfassessment.statements import statements_of, turtle
from coprod_kg.selfassessment.verdict import next_steps, verdict
from coprod_kg.settings import Settings
from coprod_kg.validation.profiles import Judgement, Profiles
from coprod_kg.web.pages.self_assessment import StepView
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"
LANGUAGES = ("en", "da", "de")
STAGES = sorted(questionnaire().fields["Ask-stage"].keys)
INPUT = "CoProduction-citizenInput"
PILOT = [
    ("Ask-name", "Memory café"),
    ("Ask-runner", "Aarhus Kommune"),
    ("Ask-sector", "sector:health"),
    ("Ask-stage", "stage:pilot-project"),
    ("CoProduction-citizenInput.role", "role:service-user"),
    ("CoProduction-citizenInput.role:service-user.contribution", "contribution:time"),
    ("CoProduction-serviceInput.role", "role:frontline-professional"),
    ("CoProduction-serviceInput.role:frontline-professional.contribution", "contribution:time"),
    ("PilotProject-question.triesOut", "Does a café help?"),
    ("PilotProject-bound.decisionDue", "2027"),
]


def answers(*pairs: tuple[str, str]) -> Answers:
    found, problems = read(pairs, questionnaire())
    assert problems == []
    return found


def drawn(dice: random.Random, number: int) -> Iterator[tuple[str, str]]:
    """Answers as somebody might give them, each question with an even chance."""
    asked = questionnaire()
    yield "Ask-name", f"Effort {number}"
    yield "Ask-runner", f"Organisation {number}"
    yield "language", dice.choice(LANGUAGES)
    for question in asked.questions.values():
        if question.name in ("Ask-name", "Ask-runner") or dice.random() < 0.5:
            continue
        if question.criterion is not None and dice.random() < 0.3:
            yield question.name, dice.choice(("no", "looked"))
            continue
        if question.criterion is not None and all(one.implied for one in question.fields):
            yield question.name, "yes"
        for field in question.fields:
            if field.implied or field.per:
                continue
            if field.kind is Kind.DOCUMENTS:
                yield f"{field.name}.1.title", "Report"
                yield f"{field.name}.1.page", "https://example.org/report"
                yield f"{field.name}.1.kind", dice.choice(field.options).key
                yield f"{field.name}.1.independence", "independence:independent"
                for shown in dice.sample(sorted(asked.questions), 12):
                    yield f"{field.name}.1.shows", shown
            elif field.options:
                for option in dice.sample(field.options, min(2, len(field.options))):
                    yield field.name, option.key
                    for tied in question.fields:
                        if tied.per == field.name and dice.random() < 0.7:
                            yield tied.of(option.key), dice.choice(tied.options).key
            elif field.kind is Kind.DATE:
                yield field.name, "2024-05" if question.name == "Ask-end" else "2019"
            else:
                yield field.name, "12" if field.kind is Kind.NUMBER else "Some words"


def told(judgement: Judgement) -> dict[str, object]:
    return {
        "supported": judgement.supported,
        "contradicted": judgement.contradicted,
        "co-produced": judgement.co_produced,
        "criteria": {
            verdict.criterion.iri: (verdict.met, verdict.finding) for verdict in judgement.verdicts
        },
    }


def test_the_verdict_is_the_one_of_assess_once_the_same_is_submitted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    store, asked = MemoryStore(), questionnaire()
    publish_model(store, settings.base_iri)
    sent, expected = [], {}
    for number in range(8):
        found, problems = read(drawn(random.Random(number), number), asked)
        assert {problem.code for problem in problems} <= {"end-before-start"}
        statements = statements_of(found, asked, BASE)
        expected[statements.initiative] = verdict(statements, found)
        sent.append(SubmittedFile(f"{number}.ttl", turtle(statements).encode()))
    outcomes = submit(sent, store, settings)
    assert [outcome.error for outcome in outcomes] == [None] * len(sent)
    explainer = Explainer(store, settings)
    seen = set()
    for subject in find(expected, store, BASE):
        of_store, ours = explainer.explain(subject), expected[subject.iri]
        assert told(ours.judgement) == told(of_store.judgement)
        assert [told(one) for one in ours.runners] == [told(one) for one in of_store.runners]
        assert ours.ended_at == of_store.ended_at
        assert [claim.stage for claim in ours.open_claims] == [
            claim.stage for claim in of_store.open_claims
        ]
        assert of_store.fresh
        seen.add(ours.judgement.supported)
    assert len(seen) > 1  # the dice do not always fall the same


def test_every_criterion_that_can_be_answered_is_asked_in_each_language() -> None:
    asked = questionnaire()
    assert [step.number for step in asked.steps] == [1, 2, 3, 4, 5, 6]
    assert all(step.questions for step in asked.steps)
    for question in asked.questions.values():
        texts = [question.text(language) for language in LANGUAGES]
        assert all(texts), question.name
        assert len(set(texts)) == len(LANGUAGES), question.name
        assert not any(field.options == () and field.implied for field in question.fields)
    answerable = {question.criterion for question in asked.questions.values()} - {None}
    assert len(answerable) > 20


@pytest.mark.parametrize("stage", ["", *STAGES])
def test_ten_minutes_are_enough_for_what_a_stage_has_to_be_asked(stage: str) -> None:
    asked, view = questionnaire(), StepView("en")
    given = answers(("Ask-stage", stage)) if stage else answers()
    first: list[str] = []
    seen: list[str] = []
    for step in asked.steps:
        sections = view.sections(step, given, asked)
        first += [question.name for question in sections.first]
        first += ["the organisation"] if sections.organisation else []
        for section in (sections.first, sections.folded, sections.organisation):
            seen += [question.name for question in section]
    assert sorted(seen) == sorted(asked.questions)  # folded, not left out
    assert len(first) <= (20 if stage else 26)
    iri = f"{BASE}vocab/{stage.replace(':', '/')}"
    for question in asked.questions.values():
        criterion = question.criterion
        if criterion and criterion.required and iri in criterion.stages:
            assert question.name in first or question.of_organisation


def test_contributions_are_those_of_who_gives_them() -> None:
    given = answers(
        ("CoProduction-serviceInput.role", "role:frontline-professional"),
        ("CoProduction-serviceInput.role", "role:public-service-provider"),
        ("CoProduction-serviceInput.role:frontline-professional.contribution", "contribution:time"),
    )
    gives = ox.NamedNode("https://w3id.org/coprod/ontology#contribution")
    found = statements_of(given, questionnaire(), BASE).triples
    assert [
        str(triple.subject).strip("<>").rpartition("/")[2]
        for triple in found
        if triple.predicate == gives
    ] == ["my-initiative-frontline-professional"]


def test_what_was_not_answered_is_not_counted_as_met() -> None:
    explained = verdict(statements_of(answers(), questionnaire(), BASE), answers())
    met = [found for found in explained.judgement.verdicts if found.met]
    assert met  # as `assess` has it: nothing speaks against them
    assert all(found.by_silence for found in met)


def test_a_criterion_that_is_added_in_turtle_becomes_a_question(tmp_path: Path) -> None:
    folder = tmp_path / "stages"
    shutil.copytree(files("shapes") / "stages", folder)
    path = folder / "project.ttl"
    text = path.read_text(encoding="utf-8")
    text = text.replace("cps:Project-operation ,", "cps:Project-operation , cps:Project-users ,", 1)
    text += """
    cps:Project-users a sh:PropertyShape , cp:Criterion ;
        sh:path ( [ sh:inversePath cp:about ] cp:enabler ) ;
        sh:hasValue enabler:users-in-governance ; cp:criterionOf stage:project ;
        sh:name "Users sit on the board"@en , "Nutzer leiten mit"@de ;
        sh:description "d"@en ; sh:message "m"@en ; sh:severity sh:Warning ; sh:order 20 ;
        dcterms:source <https://anzsog.edu.au/?p=21150> .
    """
    path.write_text(text, encoding="utf-8")
    paths = sorted(folder.glob("*.ttl"))
    shapes = Graph(read_turtle(*paths, files("shapes") / "self-assessment.ttl"))
    asked = of_files(shapes, Profiles(paths, Model.installed().graph))
    question = asked.questions["Project-users"]
    assert question.text("de") == "Nutzer leiten mit"
    assert question.text("da") == "Users sit on the board"
    found, _ = read([("Project-users", "yes"), ("Ask-name", "x")], asked)
    enabler = ox.NamedNode("https://w3id.org/coprod/vocab/enabler/users-in-governance")
    assert enabler in {triple.object for triple in statements_of(found, asked, BASE).triples}


def test_there_is_none_differs_from_not_known() -> None:
    silent = answers(*PILOT)
    looked = answers(*PILOT, ("Programme-goal", "looked"), ("Project-resources", "no"))
    findings = []
    for given in (silent, looked):
        explained = verdict(statements_of(given, questionnaire(), BASE), given)
        findings.append(
            {
                found.criterion.iri.rpartition("#")[2]: found.finding.value
                for found in explained.judgement.verdicts
            }
        )
    assert (findings[0]["Programme-goal"], findings[1]["Programme-goal"]) == (
        "not-coded",
        "not-found",
    )
    assert findings[1]["Project-resources"] == "does-not-hold"


def test_next_steps_ask_for_evidence_or_practice_and_never_for_a_higher_stage() -> None:
    given = answers(*PILOT)
    steps = next_steps(verdict(statements_of(given, questionnaire(), BASE), given), given)
    assert steps[0].kind == "target"
    assert len(steps) == 3
    stages = {stage for step in steps if step.verdict for stage in step.verdict.criterion.stages}
    assert stages <= {f"{BASE}vocab/stage/pilot-project"}


def test_a_saved_file_opens_again_as_it_was_and_can_be_sent() -> None:
    given = answers(*PILOT, ("Ask-description", 'Two lines\n"quoted" <b> =1+1'), ("language", "da"))
    statements = statements_of(given, questionnaire(), BASE)
    text = saved_text(given, statements)
    assert saved_answers(text.encode(), questionnaire()) == (given, [])
    assert list(ox.parse(text, format=ox.RdfFormat.TURTLE))


def test_a_saved_file_says_what_of_it_no_longer_fits() -> None:
    old = "#+ answer Ask-name Caf%C3%A9\n#+ answer Ask-gone x\n#+ answer Ask-sector sector%3Agone\n"
    found, problems = saved_answers(old.encode(), questionnaire())
    assert found.first("Ask-name") == "Café"
    assert [(problem.code, problem.about) for problem in problems] == [
        ("unknown", "Ask-gone"),
        ("unknown-choice", "sector:gone"),
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK\x03\x04", b"<a> <b> <c> ."])
def test_a_file_of_something_else_is_told_so(content: bytes) -> None:
    with pytest.raises(Unreadable, match="no answers"):
        saved_answers(content, questionnaire())


@pytest.mark.parametrize(
    ("pairs", "codes"),
    [
        ([("Ask-name", "x" * 201)], ["too-long"]),
        ([("Ask-name", "a\nb")], ["no-line"]),
        ([("Ask-start", "2021-02-30")], ["no-date"]),
        ([("Ask-start", "٢٠٢١")], ["no-date"]),
        ([("Programme-parts.partCount", "²")], ["no-number"]),
        ([("Programme-parts.partCount", "-1")], ["no-number"]),
        ([("Ask-evidence.1.page", "javascript:alert(1)")], ["no-address", "no-title"]),
        ([("Ask-evidence.1.page", "https://a.example/> <b> <c")], ["no-address", "no-title"]),
        ([("Ask-evidence.4.title", "t")], ["unknown"]),
        ([("Ask-stage", "stage:nonsense")], ["unknown-choice"]),
        ([("Ask-runner.role", "role:citizen")], ["unknown"]),
        ([("Project-resources", "maybe")], ["unknown-choice"]),
        ([("Project-resources", "yes")], ["nothing-chosen"]),
        ([("Culture-values", "x"), ("Programme-goal.strategicGoal", "g")], ["unknown-choice"]),
        ([("Programme-goal", "no"), ("Programme-goal.strategicGoal", "g")], ["contradiction"]),
        ([("CoProduction-citizenInput.contribution", "contribution:time")], ["unknown"]),
        ([(f"{INPUT}.role:citizen.contribution", "contribution:time")], ["needs-one"]),
        ([(f"{INPUT}.role:funder.contribution", "contribution:time")], ["unknown"]),
        ([(f"{INPUT}.role:citizen.role", "role:citizen")], ["unknown"]),
        ([(f"{INPUT}.role:citizen.contribution", "role:citizen")], ["unknown-choice"]),
        ([("Ask-start", "2022"), ("Ask-end", "2021-12")], ["end-before-start"]),
        ([("<script>", "x")], ["unknown"]),
        ([("Culture-values.condition", "condition:formal-structures")], ["unknown"]),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_named(pairs: list[tuple[str, str]], codes: list[str]) -> None:
    found, problems = read(pairs, questionnaire())
    assert [problem.code for problem in problems] == codes
    statements = statements_of(found, questionnaire(), BASE)  # whatever came, it makes statements
    assert verdict(statements, found).judgement.subject == statements.initiative


def test_more_than_the_questions_could_take_is_refused() -> None:
    with pytest.raises(TooLarge):
        read([("Ask-description", "x")] * 1201, questionnaire())
    with pytest.raises(TooLarge):
        read([("Ask-description", "x" * 120_001)], questionnaire())


def test_all_that_can_be_answered_at_once_fits_the_bounds() -> None:
    asked: Questionnaire = questionnaire()
    pairs = []
    for field in asked.fields.values():
        if field.per:
            keys = sorted(asked.fields[field.per].keys)
            pairs += [(field.of(key), option.key) for key in keys for option in field.options]
            continue
        several = field.kind in (Kind.CHOICES, Kind.BARRIERS)
        pairs += [(field.name, option.key) for option in field.options[: None if several else 1]]
        if field.kind in (Kind.TEXT, Kind.LINE):
            pairs.append((field.name, "x" * 200))
        if field.kind is Kind.BARRIERS:
            for option in field.options:
                pairs.append((f"{field.name}.{option.key}.status", "barrier-status:overcome"))
                pairs.append((f"{field.name}.{option.key}.by", "enabler:trust"))
    for number in DOCUMENTS:
        pairs.append((f"Ask-evidence.{number}.title", "Report"))
        pairs += [(f"Ask-evidence.{number}.shows", name) for name in asked.questions]
    found, _ = read(pairs, asked)
    assert len(found.all("Ask-barriers")) > 40


def test_what_is_not_printed_is_left_out_of_texts() -> None:
    assert answers(("Ask-name", "a\x00\u202eb\x1b[31m")).first("Ask-name") == "ab[31m"
