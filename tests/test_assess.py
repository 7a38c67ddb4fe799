"""Explanations: what is claimed, what the record supports and why, and what others did."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from coprod_kg.access import Private
from coprod_kg.assessment import organisations, recompute_conclusions, sentences
from coprod_kg.assessment.claims import CitedEvidence
from coprod_kg.assessment.explanation import Explainer, Explanation
from coprod_kg.assessment.search import find
from coprod_kg.assessment.summary import verdict_lines
from coprod_kg.assessment.sureness import how_sure, what_would_change_it
from coprod_kg.assessment.text import as_lines, what_others_did
from coprod_kg.assessment.values import as_values
from coprod_kg.cli.assess import assess as command
from coprod_kg.cli.submit import submit as submit_command
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.ingest.submit import SubmittedFile, submit
from coprod_kg.model.advice import LANGUAGES
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change, Query
from coprod_kg.validation.constraints import ShapeOutcome
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"
PREFIXES = """
PREFIX barrier: <https://w3id.org/coprod/vocab/barrier/>
PREFIX barrier-status: <https://w3id.org/coprod/vocab/barrier-status/>
PREFIX basis: <https://w3id.org/coprod/vocab/basis/>
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX cps: <https://w3id.org/coprod/shapes#>
PREFIX enabler: <https://w3id.org/coprod/vocab/enabler/>
PREFIX org: <http://www.w3.org/ns/org#>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sector: <https://w3id.org/coprod/vocab/sector/>
PREFIX stage: <https://w3id.org/coprod/vocab/stage/>
PREFIX step: <https://w3id.org/coprod/vocab/step/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""
INDEPENDENCE = f"{BASE}vocab/independence/"
JUDGE = 'cp:claimedBy <id/agent/judge> ; cp:basis basis:secondary-coding ; rdfs:label "a"@en'
HARBOUR = f"""{PREFIXES}
PREFIX contribution: <https://w3id.org/coprod/vocab/contribution/>
PREFIX finding: <https://w3id.org/coprod/vocab/finding/>
PREFIX role: <https://w3id.org/coprod/vocab/role/>
PREFIX status: <https://w3id.org/coprod/vocab/status/>
PREFIX value: <https://w3id.org/coprod/vocab/value/>
<id/agent/judge> a prov:Agent ; rdfs:label "A judge"@en .
<id/organisation/harbour> a org:Organization ; rdfs:label "Harbour Town"@en .
<id/initiative/garden> a cp:Initiative ; rdfs:label "Garden"@en ; cp:sector sector:health ;
  cp:runBy <id/organisation/harbour> ; cp:lifecycleStatus status:running ;
  cp:expectsValue value:better-outcomes .
<id/stage-assessment/garden> a cp:StageAssessment ; {JUDGE} ; cp:about <id/initiative/garden> ;
  cp:stage stage:project ; cp:validFrom "2012"^^xsd:gYear .
<id/participation/garden-town> a cp:Participation ; {JUDGE} ; cp:about <id/initiative/garden> ;
  cp:role role:commissioner ; cp:contribution contribution:money .
<id/participation/garden-people> a cp:Participation ; {JUDGE} ; cp:about <id/initiative/garden> ;
  cp:role role:resident ; cp:contribution contribution:time .
<id/initiative/quarters> a cp:Initiative ; rdfs:label "Quarters"@en ; cp:sector sector:health ;
  cp:runBy <id/organisation/harbour> ; cp:partCount 7 .
<id/stage-assessment/quarters> a cp:StageAssessment ; {JUDGE} ;
  cp:about <id/initiative/quarters> ; cp:stage stage:programme ; cp:validFrom "2015"^^xsd:gYear .
<id/initiative/trial> a cp:Initiative ; rdfs:label "Trial"@en ; cp:sector sector:health ;
  cp:runBy <id/organisation/harbour> ; cp:lifecycleStatus status:closed .
<id/stage-assessment/trial> a cp:StageAssessment ; {JUDGE} ; cp:about <id/initiative/trial> ;
  cp:stage stage:pilot-project .
<id/absence-claim/trial> a cp:AbsenceClaim ; {JUDGE} ; cp:about <id/initiative/trial> ;
  cp:hasFinding finding:does-not-hold ; cp:looksForCriterion cps:PilotProject-question .
<id/absence-claim/trial-bound> a cp:AbsenceClaim ; {JUDGE} ; cp:about <id/initiative/trial> ;
  cp:hasFinding finding:not-found ; cp:looksForCriterion cps:PilotProject-bound .
<id/barrier-report/garden> a cp:BarrierReport ; {JUDGE} ; cp:about <id/initiative/garden> ;
  cp:barrier barrier:bureaucracy ; cp:blocksCriterion cps:Programme-goal .
<id/barrier-report/quarters> a cp:BarrierReport ; {JUDGE} ; cp:about <id/initiative/quarters> ;
  cp:barrier barrier:ringfencing .
<id/initiative/idea> a cp:Initiative ; rdfs:label "Idea"@en ; cp:sector sector:health ;
  cp:runBy <id/organisation/harbour> .
"""


def peer(name: str, *, overcome: bool = False, went_on: bool = False) -> str:
    """An organisation with one initiative that met lack of time between pilot and project."""
    about = f"cp:about <id/initiative/{name}> ; cp:claimedBy <id/agent/judge> ;"
    about += " cp:basis basis:evaluation"
    status = (
        "; cp:barrierStatus barrier-status:overcome ; cp:overcomeBy enabler:dedicated-resources ;"
        ' cp:validFrom "2015"^^xsd:gYear ; cp:validUntil "2018"^^xsd:gYear'
        if overcome
        else ""
    )
    # Another who sees a higher stage at the same time tells of no move.
    differing = (
        f"""<id/agent/other> a prov:Agent ; rdfs:label "Another judge"@en .
        <id/stage-assessment/{name}-other> a cp:StageAssessment ; rdfs:label "d"@en ;
          cp:about <id/initiative/{name}> ; cp:claimedBy <id/agent/other> ;
          cp:basis basis:evaluation ; cp:stage stage:project ; cp:validFrom "2012"^^xsd:gYear ."""
        if overcome
        else ""
    )
    project = (
        f'<id/stage-assessment/{name}-2> a cp:StageAssessment ; rdfs:label "b"@en ; {about} ;'
        f" cp:followsAssessment <id/stage-assessment/{name}-1> ; cp:stage stage:project ;"
        ' cp:validFrom "2014"^^xsd:gYear .'
        if went_on
        else ""
    )
    return f"""{PREFIXES}
    <id/agent/judge> a prov:Agent ; rdfs:label "A judge"@en .
    <id/organisation/{name}> a org:Organization ; rdfs:label "Town {name}"@en , "By {name}"@da .
    <id/initiative/{name}> a cp:Initiative ;
      rdfs:label "Panel {name}"@en , "Borgerpanel {name}"@da ;
      cp:runBy <id/organisation/{name}> ; cp:sector sector:health .
    <id/stage-assessment/{name}-1> a cp:StageAssessment ; rdfs:label "a"@en ; {about} ;
      cp:stage stage:pilot-project ; cp:validFrom "2012"^^xsd:gYear .
    <id/barrier-report/{name}> a cp:BarrierReport ; rdfs:label "c"@en ; {about} ;
      cp:barrier barrier:lack-of-time ; cp:step step:pilot-to-project {status} .
    {project}
    {differing}
    """


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.load({"data": tmp_path_factory.mktemp("assess") / "data"}, {})


@pytest.fixture(scope="module")
def store(settings: Settings) -> MemoryStore:
    store = MemoryStore()
    publish_model(store, BASE)
    texts = {
        "harbour": HARBOUR,
        "stuck": peer("stuck"),
        "helped": peer("helped", overcome=True),
        "moved": peer("moved", went_on=True),
    }
    made = [SubmittedFile(f"{name}.ttl", text.encode()) for name, text in texts.items()]
    outcomes = submit(made, store, settings)
    assert all(one.accepted for one in outcomes), outcomes
    return store


@pytest.fixture(scope="module")
def explainer(store: MemoryStore, settings: Settings) -> Explainer:
    return Explainer(store, settings)


def explained(store: MemoryStore, explainer: Explainer, name: str) -> Explanation:
    (subject,) = find([name], store, BASE)
    return explainer.explain(subject)


def told(one: Explanation) -> str:
    """The text without its line breaks."""
    return re.sub(r"\s+", " ", " ".join(as_lines(one, BASE)))


def asked(store: MemoryStore, pattern: str) -> bool:
    query = Query(f"{PREFIXES} ASK {{ {pattern} }}", ("application/sparql-results+json",))
    return bool(json.loads(store.query(query).read())["boolean"])


# What the store holds


def test_a_submission_is_judged_as_it_enters(store: MemoryStore) -> None:
    assert asked(
        store,
        "GRAPH <graph/assessment/harbour> { <id/initiative/garden>"
        " cp:supportedStage stage:project ; cp:meetsCriterion cps:Project-resources ;"
        " cp:missesCriterion cps:Programme-parts }",
    )


def test_a_verdict_in_the_store_names_what_it_rests_on_and_what_it_found(
    store: MemoryStore,
) -> None:
    on = "?verdict a cp:Verdict ; cp:verdictOn"
    finding = "cp:hasFinding <https://w3id.org/coprod/vocab/finding/"
    assert asked(
        store,
        f"{on} <id/initiative/garden> ; cp:criterion cps:Project-resources ; {finding}holds> ;"
        " cp:restsOn <id/participation/garden-town>",
    )
    assert asked(
        store,
        f"{on} <id/initiative/trial> ; cp:criterion cps:PilotProject-question ;"
        f" {finding}does-not-hold> ; cp:restsOn <id/absence-claim/trial>",
    )
    assert asked(store, "?initiative a cp:Initiative ; cp:missesCriterion cps:Programme-parts")
    assert not asked(store, f"?verdict {finding}not-coded> ; a cp:Verdict"), "silence is no finding"


def test_a_refresh_gives_what_the_submission_gave(settings: Settings) -> None:
    store = MemoryStore()
    submit([SubmittedFile("harbour.ttl", HARBOUR.encode())], store, settings)
    graph = f"{BASE}graph/assessment/harbour"

    def concluded() -> list[bytes]:
        query = Query(
            "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }",
            ("application/n-triples",),
            default_graphs=(graph,),
        )
        return sorted(store.query(query).read().splitlines())

    before = concluded()
    store.commit(Change(replace={graph: b""}))
    done: list[int] = []
    assert organisations(store) == ["harbour"]
    recompute_conclusions(organisations(store), store, settings, done.append)
    assert concluded() == before
    assert sum(done) == 1


def test_who_runs_something_together_with_others_is_judged_by_its_own_data(
    settings: Settings,
) -> None:
    lake = f"""{PREFIXES}
PREFIX condition: <https://w3id.org/coprod/vocab/condition/>
PREFIX dcterms: <http://purl.org/dc/terms/>
<id/organisation/lake> a org:Organization ; rdfs:label "Lake"@en .
"""
    own = f"""{lake}
<id/agent/judge> a prov:Agent ; rdfs:label "A judge"@en .
<id/initiative/boat> a cp:Initiative ; rdfs:label "Boat"@en ; cp:sector sector:health ;
  cp:runBy <id/organisation/lake> .
<id/evidence/survey> a cp:Evidence ; rdfs:label "A survey"@en ;
  cp:evidenceKind <{BASE}vocab/evidence-kind/survey> ; dcterms:source <https://example.org/s> .
<id/condition-claim/lake> a cp:ConditionClaim ; {JUDGE} ; cp:about <id/organisation/lake> ;
  cp:condition condition:values-and-mindset ; cp:supportedBy <id/evidence/survey> .
"""
    joint = f"""{lake}
<id/organisation/hill> a org:Organization ; rdfs:label "Hill"@en .
<id/initiative/path> a cp:Initiative ; rdfs:label "Path"@en ; cp:sector sector:health ;
  cp:runBy <id/organisation/hill> , <id/organisation/lake> .
"""
    store = MemoryStore()
    sent = [
        SubmittedFile("lake.ttl", own.encode()),
        SubmittedFile("hill.ttl", joint.encode(), None, "hill"),
    ]
    outcomes = submit(sent, store, settings)
    assert all(one.accepted for one in outcomes), [one.report for one in outcomes]
    contradicting = "?subject cp:meetsCriterion ?criterion ; cp:missesCriterion ?criterion"
    for _ in range(2):
        assert asked(store, "<id/organisation/lake> cp:meetsCriterion cps:Culture-values")
        assert asked(store, "<id/organisation/hill> cp:missesCriterion cps:Culture-values")
        assert not asked(store, contradicting)
        recompute_conclusions(organisations(store), store, settings)


# The explanation


def test_a_claim_that_the_record_bears_out_is_said_to_be(
    store: MemoryStore, explainer: Explainer
) -> None:
    garden = explained(store, explainer, "garden")
    assert garden.fresh
    assert not garden.above_evidence
    text = told(garden)
    assert "Project: the record bears the claim out." in text
    assert "Both sides put something in, so it is co-production." in text
    assert "secondary coding, not the organisation's own statement" in text
    assert "Programme: 1 of 3 required criteria is met" in text


def test_a_claim_that_the_record_does_not_decide_is_told_politely(
    store: MemoryStore, explainer: Explainer
) -> None:
    quarters = explained(store, explainer, "quarters")
    assert quarters.above_evidence
    text = told(quarters)
    assert "For programme, 2 of 3 required criteria are met." in text
    assert "Not on record: “A larger goal holds it together”." in text
    assert "not what the initiative lacks: the claim may well be right" in text
    assert "Whether it is co-production is not on record" in text


def test_a_programme_is_shown_the_state_of_its_organisation(
    store: MemoryStore, explainer: Explainer
) -> None:
    text = told(explained(store, explainer, "quarters"))
    assert (
        "What comes after a programme is a matter not of this initiative but of Harbour Town, "
        "which runs it. Of the 11 required criteria of mainstreamed culture, 1 is met by Harbour "
        "Town." in text
    )


def test_a_denied_contribution_is_told_as_a_no_and_not_as_unknown(
    store: MemoryStore, explainer: Explainer
) -> None:
    quarters = explained(store, explainer, "quarters")
    verdicts = tuple(
        replace(verdict, denied=("urn:claim",))
        if verdict.criterion.iri.endswith("CoProduction-citizenInput")
        else verdict
        for verdict in quarters.judgement.verdicts
    )
    text = told(replace(quarters, judgement=replace(quarters.judgement, verdicts=verdicts)))
    assert "it is not co-production. Against it: “Citizens or users put something in”." in text


def test_what_the_organisations_behind_a_programme_lack_alike_is_told_once(
    store: MemoryStore, explainer: Explainer
) -> None:
    quarters = explained(store, explainer, "quarters")
    (runner,) = quarters.runners
    unmet = [verdict for verdict in runner.verdicts if not verdict.met]
    other = replace(runner, subject="urn:other")
    labels = quarters.labels | {"urn:other": "Hill Town"}
    alike = told(replace(quarters, runners=(runner, other), labels=labels))
    assert "of Harbour Town and Hill Town, which run it." in alike
    assert "1 is met by Harbour Town and Hill Town." in alike
    assert alike.count(unmet[0].criterion.message) == 1
    better = replace(
        other,
        verdicts=tuple(
            replace(verdict, outcome=ShapeOutcome(met=True)) if verdict is unmet[0] else verdict
            for verdict in runner.verdicts
        ),
    )
    differing = told(replace(quarters, runners=(runner, better), labels=labels))
    assert "1 is met by Harbour Town. Of the 11" in differing
    assert "2 are met by Hill Town." in differing
    assert f"{unmet[0].criterion.name} (Harbour Town)." in differing
    assert differing.count(unmet[1].criterion.message) == 1


def test_a_no_a_search_and_silence_are_told_apart(store: MemoryStore, explainer: Explainer) -> None:
    text = told(explained(store, explainer, "trial"))
    assert "It has ended, at the stage pilot project." in text
    assert "Against it: “It has a question”. Not on record: “It has a bound”." in text
    assert "✗ It has a question Somebody says that it does not hold: a." in text
    assert "? (looked for) It has a bound It was looked for and not found: a." in text
    assert "the claim may well be right" not in text
    assert (
        "For pilot project, 1 of 3 required criteria is met, and that only because nothing on "
        "record speaks against it." in text
    )


def test_where_nobody_claims_a_stage_no_next_one_is_suggested(
    store: MemoryStore, explainer: Explainer
) -> None:
    idea = explained(store, explainer, "idea")
    assert idea.next_profile is None
    assert "required criteria" not in told(idea)


def test_a_claim_that_is_over_is_told_in_the_past_with_the_criteria_of_its_stage(
    store: MemoryStore, explainer: Explainer
) -> None:
    garden = explained(store, explainer, "garden")
    claim = replace(garden.claims[0], confidence="Moderate confidence", until="2016", open=False)
    over = told(replace(garden, claims=(claim,)))
    assert "No stage is claimed for it now. Before: project from 2012 until 2016." in over
    assert "One claimant placed it" in over
    assert "It was claimed with moderate confidence." in over
    assert "Project (claimed last)" in over
    assert "Programme: " not in over  # nothing shows that it is to go on
    others = [replace(claim, claimant_iri=f"urn:{name}") for name in "ab"]
    assert "2 claimants placed it, and they agree." in told(replace(garden, claims=tuple(others)))
    open_claim = replace(claim, until=None, open=True)
    now = told(replace(garden, claims=(open_claim,)))
    assert "One claimant places it" in now
    assert "It is claimed with moderate confidence." in now
    assert "claimed last" not in now
    trial = told(explained(store, explainer, "trial"))
    assert "Pilot project (claimed when it ended)" in trial


def test_a_met_criterion_is_told_in_words_and_a_missed_one_with_its_message(
    store: MemoryStore, explainer: Explainer
) -> None:
    text = told(explained(store, explainer, "quarters"))
    assert "✓ It has parts, or a scale across services or sites Number of parts: 7." in text
    assert "? It is not ring-fenced (helps, not required)" in text
    assert "cp:" not in text


def test_plain_values_hold_every_deciding_statement(
    store: MemoryStore, explainer: Explainer
) -> None:
    one = explained(store, explainer, "garden")
    values = json.loads(json.dumps(as_values(one, explainer.profiles)))
    met = [
        criterion
        for profile in values["profiles"]
        for criterion in profile["criteria"]
        if criterion["met"] and not criterion["onlyExcludes"]
    ]
    assert met
    assert all(criterion["statements"] for criterion in met)
    assert all("^cp:about" in one["path"] for one in met if one["name"].startswith("Public value"))


def test_conclusions_of_other_profiles_are_told_to_be_out_of_date(settings: Settings) -> None:
    store = MemoryStore()
    publish_model(store, BASE)
    submit([SubmittedFile("harbour.ttl", HARBOUR.encode())], store, settings)
    store.commit(Change(replace={f"{BASE}graph/assessment/harbour": b""}))
    one = explained(store, Explainer(store, settings), "garden")
    assert not one.fresh
    assert "assess --refresh harbour" in told(one)


def test_no_control_character_reaches_the_terminal(
    store: MemoryStore, explainer: Explainer
) -> None:
    one = explained(store, explainer, "garden")
    hostile = replace(one, subject=replace(one.subject, label="\x1b[2Jgone"))
    assert "\x1b" not in "".join(as_lines(hostile, BASE))


# What others did


def test_a_peer_overcame_the_barrier_by_a_named_enabler_in_a_known_time(
    store: MemoryStore, explainer: Explainer
) -> None:
    (barrier,) = explained(store, explainer, "initiative/stuck").barriers
    (case,) = barrier.overcame
    assert (case.label, case.same_step) == ("Panel helped", True)
    assert case.enablers == ("Dedicated resources",)
    text = told(explained(store, explainer, "initiative/stuck"))
    assert "Panel helped: by dedicated resources; 2015 to 2018, about 3 years" in text


def test_a_peer_that_only_went_on_is_not_said_to_have_overcome_it(
    store: MemoryStore, explainer: Explainer
) -> None:
    (barrier,) = explained(store, explainer, "initiative/stuck").barriers
    assert [one.label for one in barrier.went_on] == ["Panel moved"]
    text = told(explained(store, explainer, "initiative/stuck"))
    assert "1 of these 2 took the step all the same, from pilot to project." in text
    assert "Panel moved: no enabler is reported there; 2012 to 2014, about 2 years" in text


def test_few_cases_are_said_to_be_few(store: MemoryStore, explainer: Explainer) -> None:
    text = told(explained(store, explainer, "initiative/stuck"))
    assert "Of the 4 others that report any barrier, 2 report it." in text
    assert "1 of these 2 is said to have overcome it; of the rest that is not on record." in text
    assert "Too few to generalise from." in text


@pytest.mark.parametrize(
    ("reporting", "others", "said"),
    [
        (0, 0, "Nobody else in the store reports any barrier"),
        (1, 0, "The only other that reports any barrier does not report this one"),
        (1, 1, "The only other that reports any barrier reports it too."),
        (3, 3, "All 3 others that report any barrier report it too."),
        (3, 1, "Of the 3 others that report any barrier, 1 reports it."),
    ],
)
def test_how_many_others_report_a_barrier_is_told_in_grammar(
    reporting: int, others: int, said: str, store: MemoryStore, explainer: Explainer
) -> None:
    (barrier,) = explained(store, explainer, "garden").barriers
    counted = replace(barrier, reporting=reporting, others=others)
    assert what_others_did(counted, explained(store, explainer, "garden").words).startswith(said)


def test_a_barrier_of_nobody_else_is_said_to_teach_nothing_yet(
    store: MemoryStore, explainer: Explainer
) -> None:
    text = told(explained(store, explainer, "garden"))
    assert "None of the 4 others that report any barrier reports this one" in text


def test_what_a_barrier_blocks_is_told_beside_the_criterion_and_supposed_apart(
    store: MemoryStore, explainer: Explainer
) -> None:
    text = told(explained(store, explainer, "garden"))
    assert "Reported to block: “A larger goal holds it together”." in text
    assert "Reported to stand in its way: bureaucracy." in text
    supposed = told(explained(store, explainer, "quarters"))
    assert "perhaps in the way of this, as we suppose: ring-fencing." in supposed
    assert "Reported to block" not in supposed


def test_how_sure_it_is_and_what_would_change_it_are_told_with_denominators(
    store: MemoryStore, explainer: Explainer
) -> None:
    garden = told(explained(store, explainer, "garden"))
    assert "One claimant places it, and nobody has looked a second time." in garden
    assert "No evidence is cited for the stage." in garden
    assert (
        "Of the 5 required criteria of “project”, 1 is met only because nothing on record" in garden
    )
    assert "of the 5 required criteria of “project” rest on a single statement each" in garden
    one = explained(store, explainer, "garden")
    other = replace(one.claims[0], claimant_iri="urn:other", until="2016", open=False)
    assert how_sure(replace(one, claims=(other, *one.claims)))[0] == (
        "2 claimants place it, and they differ: "
        "project from 2012 until 2016 and project since 2012."
    )
    cited = [
        CitedEvidence(f"urn:{name}", name, None, independence and INDEPENDENCE + independence)
        for name, independence in (("a", "independent"), ("b", "own"), ("c", None))
    ]
    for number, said in (
        (1, ["The one source cited for the stage is independent of those who run it."]),
        (2, ["1 of the 2 sources cited for the stage is independent of those who run it."]),
        (
            3,
            [
                "1 of the 3 sources cited for the stage is independent of those who run it.",
                "For 1 of them that is not on record.",
            ],
        ),
    ):
        claim = replace(one.claims[0], sources=tuple(cited[:number]))
        sure = how_sure(replace(one, claims=(claim,)))
        assert [text for text in sure if "cited for" in text or text.startswith("For ")] == said
    quarters = explained(store, explainer, "quarters")
    (missing,) = what_would_change_it(quarters)[:1]
    assert missing == (
        "The record would bear out the claim of programme if one more thing came on record: "
        "“A larger goal holds it together”."
    )
    against = told(explained(store, explainer, "trial"))
    assert "cannot be borne out as long as this stands against it: “It has a question”" in against


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "da",
            ("Påstået Projekt siden 2012.", "Én har vurderet det", "Meldt som spærring for det"),
        ),
        ("de", ("Ausgesagt Projekt seit 2012.", "Wie sicher Eine Stelle", "Als Hemmnis dafür")),
    ],
)
def test_an_assessment_speaks_the_language_of_its_reader(
    language: str, said: tuple[str, ...], store: MemoryStore, settings: Settings
) -> None:
    garden = explained(store, Explainer(store, settings, language), "garden")
    text = told(garden)
    assert all(sentence in text for sentence in said), text
    assert as_values(garden, Explainer(store, settings).profiles)["language"] == language


def test_every_sentence_has_every_language_and_the_same_slots() -> None:
    path = Path(sentences.__file__).with_name("sentences.toml")
    for key, texts in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert list(texts) == list(LANGUAGES), key
        forms = [[text] if isinstance(text, str) else text for text in texts.values()]
        assert len({len(form) for form in forms}) == 1, key
        for counted in zip(*forms, strict=True):
            assert len({frozenset(re.findall(r"{(\w+)}", form)) for form in counted}) == 1, key


def test_those_like_it_are_told_with_how_many_there_are(
    store: MemoryStore, explainer: Explainer
) -> None:
    stuck = explained(store, explainer, "initiative/stuck")
    assert [one.label for one in stuck.alike] == ["Panel helped", "Panel moved", "Trial"]
    text = told(stuck)
    assert "3 others in its sector are or were at its stage; 1 of these 3 is on record" in text
    assert "They are:" in text
    assert "Panel moved (moved on)" in text
    assert "Trial (has ended)" in text


def test_who_asks_not_for_those_like_it_is_told_the_same_but_for_them(
    store: MemoryStore, explainer: Explainer
) -> None:
    """The explorer's pages do not show them, and in a large store they take longest to find."""
    (subject,) = find(["initiative/stuck"], store, BASE)
    alone = explainer.explain_alone(subject)
    assert alone.alike == ()
    assert replace(explainer.explain(subject), alike=()) == alone


def test_what_has_a_name_in_two_languages_is_told_once_in_the_readers(
    store: MemoryStore, settings: Settings
) -> None:
    (subject,) = find(["initiative/stuck"], store, BASE, "da")
    assert (subject.label, subject.run_by) == ("Borgerpanel stuck", ("By stuck",))
    stuck = Explainer(store, settings, "da").explain(subject)
    assert {one.label for one in stuck.alike} == {
        "Borgerpanel helped",
        "Borgerpanel moved",
        "Trial",
    }
    (barrier,) = stuck.barriers
    assert [case.label for case in barrier.overcame] == ["Borgerpanel helped"]
    assert [case.label for case in barrier.went_on] == ["Borgerpanel moved"]


# Names


@pytest.mark.parametrize(
    "given",
    [
        *("garden", "initiative/garden", "id/initiative/garden"),
        *(f"{BASE}id/initiative/garden", f"<{BASE}id/initiative/garden>"),
    ],
)
def test_a_subject_is_found_by_every_way_to_write_it(given: str, store: MemoryStore) -> None:
    (found,) = find([given], store, BASE)
    assert found.iri == f"{BASE}id/initiative/garden"
    assert found.run_by == ("Harbour Town",)


def test_an_unknown_name_is_answered_with_what_was_perhaps_meant(store: MemoryStore) -> None:
    with pytest.raises(NotFound) as caught:
        find(["gardn"], store, BASE)
    assert "garden" in str(caught.value.fix)


@pytest.mark.parametrize("given", ["a b", 'x"y', "x>y"])
def test_what_is_no_name_is_wrong_usage(given: str, store: MemoryStore) -> None:
    with pytest.raises((NotFound, WrongUsage)):
        find([given], store, BASE)


# The command


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = Settings.load({"data": tmp_path_factory.mktemp("command") / "data"}, {})
    with local.connect(settings, create=True) as store:
        publish_model(store, BASE)
        submit([SubmittedFile("harbour.ttl", HARBOUR.encode())], store, settings)
    return settings.data


def test_the_command_explains_and_draws_conclusions_again(data: Path) -> None:
    runner = CliRunner()
    text = runner.invoke(command, ["--data", str(data), "garden"])
    assert (text.exit_code, text.output.splitlines()[0]) == (
        0,
        "Garden",
    )
    values = runner.invoke(command, ["--data", str(data), "--json", "garden"])
    assert json.loads(values.stdout)[0]["supportedStages"] == [f"{BASE}vocab/stage/project"]
    again = runner.invoke(command, ["--data", str(data), "--refresh"])
    assert (again.exit_code, again.stdout) == (0, "")
    assert "1 organisation assessed" in again.stderr


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["--refresh", "nobody"]])
def test_the_command_refuses_what_names_nothing(arguments: list[str], data: Path) -> None:
    result = CliRunner().invoke(command, ["--data", str(data), *arguments])
    assert isinstance(result.exception, WrongUsage | NotFound)
    assert result.exception.exit_code == (1 if arguments else 2)


def test_a_submission_shows_its_verdicts_at_once(tmp_path: Path) -> None:
    file = tmp_path / "harbour.ttl"
    file.write_text(HARBOUR, encoding="utf-8")
    done = CliRunner().invoke(submit_command, ["--data", str(tmp_path / "data"), str(file)])
    assert done.exit_code == 0, done.output
    told = done.output.splitlines()
    garden = "Garden: project is claimed; the record bears it out (initiative/garden)"
    quarters = "Quarters: programme is claimed; the record does not decide (initiative/quarters)"
    assert {garden, quarters, "coprod-kg assess NAME says why."} <= set(told)
    settings = Settings.load({"data": tmp_path / "data"}, {})
    with local.connect(settings) as store:
        danish = list(verdict_lines(store, BASE, ["harbour"], "da"))
    assert "Garden: projekt angives; data bekræfter det (initiative/garden)" in danish
    tried = CliRunner().invoke(
        submit_command, ["--dry-run", "--data", str(tmp_path / "data"), str(file)]
    )
    assert garden not in tried.output


def test_old_data_migrates_by_one_command_with_a_report(tmp_path: Path) -> None:
    settings = Settings.load({"data": tmp_path / "data"}, {})
    old = (
        peer("moved", went_on=True)
        + """
    PREFIX phase: <https://w3id.org/coprod/vocab/phase/>
    PREFIX role: <https://w3id.org/coprod/vocab/role/>
    <id/participation/old> a cp:Participation ; rdfs:label "d"@en ; cp:role role:resident ;
      cp:about <id/initiative/moved> ; cp:claimedBy <id/agent/judge> ; cp:basis basis:evaluation ;
      cp:phase phase:co-design .
    """
    )
    with local.connect(settings, create=True) as store:
        publish_model(store, BASE)
        submit([SubmittedFile("moved.ttl", old.encode())], store, settings)
    run = ["--data", str(settings.data), "--migrate"]
    tried = CliRunner().invoke(command, [*run, "--dry-run"])
    done = CliRunner().invoke(command, run)
    assert (tried.exit_code, done.exit_code) == (0, 0), done.exception
    assert tried.stdout == done.stdout
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == [
        "participation/old",
        "stage-assessment/moved-2",
    ]
    with local.connect(settings) as store:
        transition = json.loads(
            store.query(
                Query(
                    f"{PREFIXES} SELECT ?step WHERE {{ <{BASE}id/transition/moved-2> "
                    "cp:takesStep ?step ; cp:claimedBy ?who ; cp:basis ?basis }",
                    ("application/sparql-results+json",),
                )
            ).read()
        )
    (row,) = transition["results"]["bindings"]
    assert row["step"]["value"].endswith("/pilot-to-project")
    again = CliRunner().invoke(command, run)
    assert again.stdout.splitlines() == done.stdout.splitlines()[:1]


# The service


@pytest.fixture(scope="module")
def url(data: Path) -> Iterator[str]:
    settings = Settings.load({"data": data}, {})
    with local.connect(settings) as store:
        server = make_server("127.0.0.1", 0, create_app(store, settings), threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_service_says_what_the_command_says(url: str, data: Path) -> None:
    runner = CliRunner()
    for flags in ([], ["--json"], ["--every-stage"]):
        far = runner.invoke(command, ["--url", url, *flags, "initiative/garden"])
        assert far.exit_code == 0, far.exception
        assert "Garden" in far.output
        near = runner.invoke(command, ["--url", url, *flags, f"{BASE}id/initiative/garden"])
        assert near.output == far.output
    values = json.loads(runner.invoke(command, ["--url", url, "--json", "garden"]).stdout)
    assert values[0]["coProduced"] is True
    findings = {one["finding"] for part in values[0]["profiles"] for one in part["criteria"]}
    assert findings == {"holds", "does-not-hold", "not-coded"}
    nobody = runner.invoke(command, ["--url", url, "nobody"])
    assert isinstance(nobody.exception, NotFound)


def test_an_address_is_answered_in_the_language_asked_for_or_read_best(url: str) -> None:
    address = f"{url}/assessments/initiative/garden?format=txt"
    for asked, sent in (("&lang=da", "de"), ("", "fr, da;q=0.9")):
        request = Request(f"{address}{asked}", headers={"Accept-Language": sent})
        answer = urlopen(request)
        assert answer.headers["Content-Language"] == "da"
        assert "Accept-Language" in answer.headers["Vary"]
        assert "Påstået" in answer.read().decode()
    with pytest.raises(HTTPError, match="400"):
        urlopen(f"{address}&lang=fr")
    far = CliRunner().invoke(command, ["--url", url, "--language", "de", "garden"])
    assert "Ausgesagt" in far.output


def test_the_assessment_of_hidden_data_is_not_found(url: str, data: Path) -> None:
    assert urlopen(f"{url}/assessments/initiative/garden").status == 200
    Private(data).mark("harbour")
    try:
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{url}/assessments/initiative/garden")
    finally:
        Private(data).mark("harbour", private=False)
