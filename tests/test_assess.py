"""Explanations: what is claimed, what the record supports and why, and what others did."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.assessment import assess, organisations
from coprod_kg.assessment.explanation import Explainer, Explanation
from coprod_kg.assessment.search import find
from coprod_kg.assessment.text import as_lines
from coprod_kg.assessment.values import as_values
from coprod_kg.cli.assess import assess as command
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.ingest.submit import Sent, submit
from coprod_kg.model.files import files
from coprod_kg.publishing.graphs import publish_model
from coprod_kg.settings import Settings
from coprod_kg.store import local
from coprod_kg.store.base import Change, Query
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"
CASES = files("examples") / "cases"
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
SHOWN = ("comune-di-bologna", "ryhov-county-hospital", "gentofte-kommune")


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
    project = (
        f'<id/stage-assessment/{name}-2> a cp:StageAssessment ; rdfs:label "b"@en ; {about} ;'
        f" cp:followsAssessment <id/stage-assessment/{name}-1> ; cp:stage stage:project ;"
        ' cp:validFrom "2014"^^xsd:gYear .'
        if went_on
        else ""
    )
    return f"""{PREFIXES}
    <id/agent/judge> a prov:Agent ; rdfs:label "A judge"@en .
    <id/organisation/{name}> a org:Organization ; rdfs:label "Town {name}"@en .
    <id/initiative/{name}> a cp:Initiative ; rdfs:label "Panel {name}"@en ;
      cp:runBy <id/organisation/{name}> ; cp:sector sector:health .
    <id/stage-assessment/{name}-1> a cp:StageAssessment ; rdfs:label "a"@en ; {about} ;
      cp:stage stage:pilot-project ; cp:validFrom "2012"^^xsd:gYear .
    <id/barrier-report/{name}> a cp:BarrierReport ; rdfs:label "c"@en ; {about} ;
      cp:barrier barrier:lack-of-time ; cp:step step:pilot-to-project {status} .
    {project}
    """


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.load({"data": tmp_path_factory.mktemp("assess") / "data"}, {})


@pytest.fixture(scope="module")
def store(settings: Settings) -> MemoryStore:
    store = MemoryStore()
    publish_model(store, BASE)
    peers = (peer("stuck"), peer("helped", overcome=True), peer("moved", went_on=True))
    made = [
        Sent(f"{name}.ttl", text.encode())
        for name, text in zip(("stuck", "helped", "moved"), peers, strict=True)
    ]
    outcomes = submit([*(CASES / f"{name}.ttl" for name in SHOWN), *made], store, settings)
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
        "GRAPH <graph/assessment/ryhov-county-hospital> { <id/initiative/ryhov-self-care>"
        " cp:supportedStage stage:project ; cp:meetsCriterion cps:Project-resources ;"
        " cp:missesCriterion cps:Programme-parts }",
    )


def test_a_verdict_in_the_store_names_what_it_rests_on(store: MemoryStore) -> None:
    assert asked(
        store,
        "?verdict a cp:Verdict ; cp:verdictOn <id/initiative/ryhov-self-care> ;"
        " cp:criterion cps:Project-resources ;"
        " cp:restsOn <id/knowledge-flow/ryhov-self-care-unit-to-ward>",
    )


def test_a_refresh_gives_what_the_submission_gave(settings: Settings) -> None:
    store = MemoryStore()
    submit([CASES / "ryhov-county-hospital.ttl"], store, settings)
    graph = f"{BASE}graph/assessment/ryhov-county-hospital"

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
    assert organisations(store) == ["ryhov-county-hospital"]
    assess(organisations(store), store, settings, done.append)
    assert concluded() == before
    assert sum(done) == 1


# The explanation


def test_a_claim_that_the_record_bears_out_is_said_to_be(
    store: MemoryStore, explainer: Explainer
) -> None:
    ryhov = explained(store, explainer, "ryhov-self-care")
    assert ryhov.fresh
    assert not ryhov.above_evidence
    assert "Project: the record bears the claim out." in told(ryhov)
    assert "secondary coding, not the organisation's own statement" in told(ryhov)


def test_a_claim_above_the_evidence_is_told_politely_and_says_what_is_missing(
    store: MemoryStore, explainer: Explainer
) -> None:
    gentofte = explained(store, explainer, "gentofte-kommune")
    assert gentofte.above_evidence
    text = told(gentofte)
    assert "6 of 9 required criteria are on record" in text
    assert "“Citizens or users gain”" in text
    assert "not what the organisation lacks: the claim may well be right" in text


def test_a_met_criterion_is_told_with_its_statements_and_a_missed_one_with_its_message(
    store: MemoryStore, explainer: Explainer
) -> None:
    text = told(explained(store, explainer, "bologna-regulation-urban-commons"))
    assert "✓ It has at least two parts initiative/bologna-regulation-urban-commons" in text
    assert "cp:partCount “280”" in text
    assert "○ More than one organisation or unit runs it (helps, not required)" in text
    assert "found only: initiative/bologna-regulation-urban-commons cp:runBy" in text


def test_plain_values_hold_every_deciding_statement(
    store: MemoryStore, explainer: Explainer
) -> None:
    one = explained(store, explainer, "ryhov-self-care")
    values = json.loads(json.dumps(as_values(one, explainer.profiles)))
    met = [
        criterion
        for profile in values["profiles"]
        for criterion in profile["criteria"]
        if criterion["met"] and criterion["criterion"].rpartition("#")[2] != "AdHoc-informal"
    ]
    assert met
    assert all(criterion["statements"] for criterion in met)
    assert all("^cp:about" in one["path"] for one in met if one["name"].startswith("Public value"))


def test_conclusions_of_other_profiles_are_told_to_be_out_of_date(settings: Settings) -> None:
    store = MemoryStore()
    publish_model(store, BASE)
    submit([CASES / "ryhov-county-hospital.ttl"], store, settings)
    store.commit(Change(replace={f"{BASE}graph/assessment/ryhov-county-hospital": b""}))
    one = explained(store, Explainer(store, settings), "ryhov-self-care")
    assert not one.fresh
    assert "assess --refresh ryhov-county-hospital" in told(one)


def test_no_control_character_reaches_the_terminal(
    store: MemoryStore, explainer: Explainer
) -> None:
    one = explained(store, explainer, "ryhov-self-care")
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
    assert "1 took the step pilot-to-project although they report it" in text
    assert "Panel moved: enablers reported there: nothing named; 2012 to 2014" in text


def test_few_cases_are_said_to_be_few(store: MemoryStore, explainer: Explainer) -> None:
    text = told(explained(store, explainer, "initiative/stuck"))
    assert "2 others report it. 1 of them is said to have overcome it" in text
    assert "Too few to generalise from." in text


def test_a_barrier_of_nobody_else_is_said_to_teach_nothing_yet(
    store: MemoryStore, explainer: Explainer
) -> None:
    assert "Nobody else in the store reports it" in told(
        explained(store, explainer, "bologna-regulation-urban-commons")
    )


# Names


@pytest.mark.parametrize(
    "given",
    [
        *("ryhov-self-care", "initiative/ryhov-self-care", "id/initiative/ryhov-self-care"),
        *(f"{BASE}id/initiative/ryhov-self-care", f"<{BASE}id/initiative/ryhov-self-care>"),
    ],
)
def test_a_subject_is_found_by_every_way_to_write_it(given: str, store: MemoryStore) -> None:
    (found,) = find([given], store, BASE)
    assert found.iri == f"{BASE}id/initiative/ryhov-self-care"
    assert found.run_by == ("Ryhov County Hospital",)


def test_an_unknown_name_is_answered_with_what_was_perhaps_meant(store: MemoryStore) -> None:
    with pytest.raises(NotFound) as caught:
        find(["ryhov-selfcare"], store, BASE)
    assert "ryhov-self-care" in str(caught.value.fix)


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
        submit([CASES / "ryhov-county-hospital.ttl"], store, settings)
    return settings.data


def test_the_command_explains_and_draws_conclusions_again(data: Path) -> None:
    runner = CliRunner()
    text = runner.invoke(command, ["--data", str(data), "ryhov-self-care"])
    assert (text.exit_code, text.output.splitlines()[0]) == (
        0,
        "Self-care haemodialysis at Ryhov hospital",
    )
    values = runner.invoke(command, ["--data", str(data), "--json", "ryhov-self-care"])
    assert json.loads(values.stdout)[0]["supportedStages"] == [f"{BASE}vocab/stage/project"]
    again = runner.invoke(command, ["--data", str(data), "--refresh"])
    assert (again.exit_code, again.stdout) == (0, "")
    assert "1 organisation assessed" in again.stderr


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["--refresh", "nobody"]])
def test_the_command_refuses_what_names_nothing(arguments: list[str], data: Path) -> None:
    result = CliRunner().invoke(command, ["--data", str(data), *arguments])
    assert isinstance(result.exception, WrongUsage | NotFound)
    assert result.exception.exit_code == (1 if arguments else 2)
