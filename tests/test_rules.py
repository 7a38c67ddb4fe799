"""What follows from what was said, and only that."""

from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from rdflib import URIRef
from rdflib.paths import NegatedPath
from rdflib.paths import Path as Path_
from rdflib.plugins.sparql.algebra import translateUpdate, traverse
from rdflib.plugins.sparql.parser import parseUpdate

from coprod_kg.errors import ModelError
from coprod_kg.ingest import rdf
from coprod_kg.ingest.rdf_formats import format_of
from coprod_kg.model.files import files
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import prefixes, shorten
from coprod_kg.reasoning.rules import Rules

BASE = "https://w3id.org/coprod/"
CLAIM = "cp:about <id/initiative/a> ; cp:claimedBy <id/agent/x> ; cp:stage"


@pytest.fixture(scope="module")
def rules() -> Rules:
    model = Model.installed()
    return Rules(model.rules, model.background)


def triples(text: str) -> list[ox.Triple]:
    names = "".join(f"PREFIX {name}: <{space}>\n" for name, space in prefixes().items())
    return [*rdf.read((names + text).encode(), "a.ttl", format_of("a.ttl"), BASE).triples]


def short(term: object) -> str:
    bare = str(term).strip("<>")
    return f"<{bare.removeprefix(BASE)}>" if bare.startswith(f"{BASE}id/") else shorten(bare)


def inferred(rules: Rules, text: str) -> set[str]:
    return {" ".join(map(short, one)) for one in rules.infer(triples(text))}


@pytest.mark.parametrize(
    ("said", "concluded"),
    [
        (
            "<id/initiative/a> cp:runBy <id/organisation/o> . "
            "<id/organisation/o> cp:country country:DNK .",
            "<id/initiative/a> cp:country country:DNK",
        ),
        (
            "<id/organisation/u> org:unitOf <id/organisation/o> . "
            "<id/organisation/o> cp:country country:DNK . "
            "<id/initiative/a> cp:runBy <id/organisation/u> .",
            "<id/initiative/a> cp:country country:DNK",
        ),
        (
            "<id/initiative/a> cp:hasPart <id/initiative/b> .",
            "<id/initiative/b> cp:isPartOf <id/initiative/a>",
        ),
        (
            "<id/initiative/b> cp:isPartOf <id/initiative/a> . "
            "<id/initiative/c> cp:isPartOf <id/initiative/b> .",
            "<id/initiative/a> cp:hasPart <id/initiative/c>",
        ),
        (
            "<id/initiative/c> cp:succeeds <id/initiative/b> . "
            "<id/initiative/b> cp:succeeds <id/initiative/a> .",
            "<id/initiative/c> cp:follows <id/initiative/a>",
        ),
        ("<id/barrier-report/r> a cp:BarrierReport .", "<id/barrier-report/r> rdf:type cp:Claim"),
        (
            "<id/organisation/u> a org:OrganizationalUnit .",
            "<id/organisation/u> rdf:type org:Organization",
        ),
    ],
    ids=["chain", "chain of chains", "inverse", "transitive", "wider property", "class", "unit"],
)
def test_what_the_axioms_say_is_concluded(rules: Rules, said: str, concluded: str) -> None:
    assert concluded in inferred(rules, said)


def stages(rules: Rules, text: str, name: str = "currentStage") -> set[str]:
    start = f"<id/initiative/a> cp:{name} "
    return {one.removeprefix(start) for one in inferred(rules, text) if one.startswith(start)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project .", {"stage:project"}),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project . "
            f"<urn:2> a cp:StageAssessment ; {CLAIM} stage:programme ; "
            "cp:followsAssessment <urn:1> .",
            {"stage:programme"},
        ),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project ; "
            'cp:validFrom "2019"^^xsd:gYear . '
            f"<urn:2> a cp:StageAssessment ; {CLAIM} stage:programme ; "
            'cp:validFrom "2021-03-01"^^xsd:date .',
            {"stage:programme"},
        ),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project ; "
            'cp:validUntil "2021"^^xsd:gYear .',
            set(),
        ),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project ; "
            'cp:validFrom "2021"^^xsd:gYear . '
            "<urn:2> a cp:StageAssessment ; cp:about <id/initiative/a> ; cp:stage stage:culture ;"
            ' cp:claimedBy <id/agent/y> ; cp:validFrom "2022"^^xsd:gYear .',
            {"stage:project", "stage:culture"},
        ),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project ; "
            'cp:validFrom "2021"^^xsd:gYear . '
            f"<urn:2> a cp:StageAssessment ; {CLAIM} stage:programme ; "
            'cp:validFrom "2021-06"^^xsd:gYearMonth .',
            {"stage:project", "stage:programme"},
        ),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project ; "
            'cp:validFrom "2021"^^xsd:gYear . '
            f"<urn:2> a cp:StageAssessment ; {CLAIM} stage:programme ; "
            'cp:validFrom "9021-06"^^xsd:gYearMonth .',
            {"stage:project"},
        ),
        (
            f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:project . "
            f"<urn:2> a cp:StageAssessment ; {CLAIM} stage:programme ; "
            'cp:followsAssessment <urn:1> ; cp:validFrom "9021"^^xsd:gYear .',
            {"stage:project"},
        ),
    ],
    ids=[
        *("only", "followed", "newer", "ended", "two claimants", "not comparable"),
        *("not begun", "followed by one not begun"),
    ],
)
def test_the_current_stage_is_each_claimants_newest_that_has_not_ended(
    rules: Rules, said: str, expected: set[str]
) -> None:
    assert stages(rules, said) == expected


@pytest.mark.parametrize(
    ("end", "now", "ended"),
    [
        ("cp:lifecycleStatus status:closed", set(), {"stage:programme"}),
        ("cp:lifecycleStatus status:abandoned", set(), {"stage:programme"}),
        ("cp:lifecycleStatus status:replaced", set(), {"stage:programme"}),
        ('cp:endDate "2022"^^xsd:gYear', set(), {"stage:programme"}),
        ('cp:endDate "9022"^^xsd:gYear', {"stage:programme"}, set()),
        ("cp:lifecycleStatus status:paused", {"stage:programme"}, set()),
    ],
)
def test_the_current_stage_ends_with_the_initiative(
    rules: Rules, end: str, now: set[str], ended: set[str]
) -> None:
    said = (
        f"<urn:1> a cp:StageAssessment ; {CLAIM} stage:pilot-project ; "
        'cp:validFrom "2018"^^xsd:gYear . '
        f"<urn:2> a cp:StageAssessment ; {CLAIM} stage:programme ; "
        f'cp:validFrom "2020"^^xsd:gYear . <id/initiative/a> {end} .'
    )
    assert stages(rules, said) == now
    assert stages(rules, said, "endedAtStage") == ended
    assert stages(rules, said, "lastStage") == now | ended


TRANSITION = (
    "<urn:p> a cp:StageAssessment ; cp:stage stage:pilot-project . "
    "<urn:q> a cp:StageAssessment ; cp:stage stage:programme . "
    "<urn:t> a cp:Transition ; cp:leavesAssessment <urn:p> ; cp:reachesAssessment <urn:q> . "
)


@pytest.mark.parametrize(
    ("said", "step"),
    [
        (TRANSITION, "pilot-to-programme"),
        (
            "<urn:t> a cp:Transition ; cp:leavesStage stage:programme ; "
            "cp:reachesStage stage:ad-hoc-collective .",
            "programme-to-ad-hoc",
        ),
        (
            "<urn:t> a cp:Transition ; cp:leavesStage stage:ad-hoc-individual ; "
            "cp:aimsAtStage stage:project .",
            "ad-hoc-to-project",
        ),
    ],
)
def test_a_transition_takes_the_step_of_its_stages(rules: Rules, said: str, step: str) -> None:
    said += (
        "<urn:b> a cp:BarrierReport ; cp:concernsTransition <urn:t> ; cp:barrier barrier:risks ."
    )
    concluded = inferred(rules, said)
    assert f"urn:t cp:takesStep step:{step}" in concluded
    assert f"urn:b cp:step step:{step}" in concluded


def test_a_report_keeps_the_step_that_it_states(rules: Rules) -> None:
    said = (
        TRANSITION + "<urn:b> a cp:BarrierReport ; cp:concernsTransition <urn:t> ; "
        "cp:step step:pilot-to-project ."
    )
    assert not [one for one in inferred(rules, said) if one.startswith("urn:b cp:step ")]


@pytest.mark.parametrize(
    ("issued", "counts"),
    [("2010", False), ("2011", True), ("2011-05-01", True), ("2010-12-31", False), (None, True)],
)
def test_evidence_older_than_the_time_of_the_claim_does_not_count(
    rules: Rules, issued: str | None, counts: bool
) -> None:
    said = (
        '<urn:1> a cp:ConditionClaim ; cp:supportedBy <urn:e> ; cp:validFrom "2011"^^xsd:gYear . '
    )
    kind = "date" if issued and len(issued) > 4 else "gYear"
    said += f'<urn:e> dcterms:issued "{issued}"^^xsd:{kind} .' if issued else ""
    assert ("urn:1 cp:countsEvidence urn:e" in inferred(rules, said)) == counts


def test_a_support_is_seen_from_where_it_is_claimed_with_evidence(rules: Rules) -> None:
    said = """
    <id/organisation/town> a org:Organization .
    <urn:1> cp:about <id/organisation/town> ; cp:condition condition:formal-structures ;
      cp:standpoint standpoint:user ; cp:supportedBy <urn:e> .
    <urn:2> cp:about <id/organisation/town> ; cp:condition condition:formal-processes ;
      cp:standpoint standpoint:manager .
    <urn:3> cp:about <id/organisation/town> ; cp:condition condition:meaningful-input ;
      cp:standpoint standpoint:staff ; cp:supportedBy <urn:e> .
    <urn:4> cp:about <id/organisation/town> ; cp:condition condition:values-and-mindset ;
      cp:standpoint standpoint:unstated ; cp:supportedBy <urn:i> .
    <urn:i> cp:hasIndependence independence:independent .
    """
    seen = {one for one in inferred(rules, said) if "cp:supportSeenFrom" in one}
    assert {one.rpartition(" ")[2] for one in seen} == {"standpoint:user", "standpoint:evaluator"}


def test_a_stated_country_replaces_that_of_who_runs_it(rules: Rules) -> None:
    said = (
        "<id/organisation/o> cp:country country:DNK . "
        "<id/organisation/u> org:unitOf <id/organisation/o> ; cp:country country:SWE . "
        "<id/organisation/v> org:unitOf <id/organisation/u> . "
        "<id/initiative/a> cp:runBy <id/organisation/o> ; cp:country country:MWI . "
        "<id/initiative/b> cp:runBy <id/organisation/v> , <id/organisation/o> ."
    )
    countries = {one for one in inferred(rules, said) if " cp:country " in one}
    assert countries == {
        "<id/organisation/v> cp:country country:SWE",
        "<id/initiative/b> cp:country country:SWE",
        "<id/initiative/b> cp:country country:DNK",
    }


def test_nothing_that_was_said_is_among_the_conclusions(rules: Rules) -> None:
    said = triples((Path(__file__).parent / "tiny.ttl").read_text(encoding="utf-8"))
    assert not set(said) & set(rules.infer(said))


def test_a_number_that_the_engine_writes_otherwise_is_no_conclusion(rules: Rules) -> None:
    said = "<id/initiative/a> cp:partCount '02'^^xsd:integer ; cp:runBy <id/organisation/o> ."
    concluded = inferred(rules, said + "<id/organisation/o> cp:country country:DNK .")
    assert "<id/initiative/a> cp:country country:DNK" in concluded
    assert not any("cp:partCount" in one for one in concluded)


def test_one_file_leaves_no_trace_in_the_next(rules: Rules) -> None:
    first = "<id/initiative/a> cp:hasPart <id/initiative/b> ."
    second = "<id/initiative/b> cp:hasPart <id/initiative/c> ."
    before = inferred(rules, second)
    inferred(rules, first)
    assert inferred(rules, second) == before
    assert not any("<id/initiative/a>" in one for one in before)


def test_a_rule_that_speaks_of_what_was_not_mentioned_is_followed_and_cleaned_up(
    tmp_path: Path,
) -> None:
    rule = tmp_path / "10-far.ru"
    rule.write_text("INSERT { <urn:far> <urn:p> ?s } WHERE { ?s <urn:q> ?o }", encoding="utf-8")
    rules = Rules([rule], [])
    said = [ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:q"), ox.Literal("x"))]
    for _ in range(2):
        assert [str(one) for one in rules.infer(said)] == ["<urn:far> <urn:p> <urn:s>"]
    assert rules.infer([]) == []


def test_a_rule_that_is_no_update_is_named(tmp_path: Path) -> None:
    rule = tmp_path / "10-broken.ru"
    rule.write_text("INSERT { ?s ?p } WHERE {}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"10-broken\.ru"):
        Rules([rule], [])


def test_rules_without_an_end_are_stopped(tmp_path: Path) -> None:
    rule = tmp_path / "10-endless.ru"
    rule.write_text(
        "INSERT { ?s <urn:n> ?more } WHERE { ?s <urn:n> ?n BIND (?n + 1 AS ?more) }",
        encoding="utf-8",
    )
    one = ox.Literal("1", datatype=ox.NamedNode("http://www.w3.org/2001/XMLSchema#integer"))
    rules = Rules([rule], [])
    with pytest.raises(ModelError, match="no end"):
        rules.infer([ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:n"), one)])
    assert rules.infer([]) == []


@pytest.mark.parametrize(
    "path", sorted((files("queries") / "rules").glob("*.ru")), ids=lambda p: p.stem
)
def test_every_rule_says_in_a_sentence_what_it_concludes(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("#+ summary: ")
    assert first.endswith(".")


@pytest.mark.parametrize(
    "path", sorted((files("queries") / "rules").glob("*.ru")), ids=lambda p: p.stem
)
def test_every_rule_names_the_properties_that_it_reads(path: Path) -> None:
    parsed = translateUpdate(parseUpdate(path.read_text(encoding="utf-8")))
    predicates: list[Any] = []

    def visit(part: Any) -> None:
        match getattr(part, "name", None):
            case "BGP":
                predicates.extend(predicate for _, predicate, _ in part.triples)
            case "TriplesBlock":
                predicates.extend(term for triples in part.triples for term in triples[1::3])

    traverse(parsed.algebra, visitPre=visit)
    assert predicates
    for predicate in predicates:  # one that may be any would not be run again when it has to be
        assert isinstance(predicate, URIRef | Path_), predicate
        assert not isinstance(predicate, NegatedPath)


def test_a_rule_is_run_again_where_a_later_one_concludes_what_it_reads(tmp_path: Path) -> None:
    (tmp_path / "10-last.ru").write_text(
        "PREFIX u: <urn:> INSERT { ?s u:last ?o } WHERE { ?s a u:Middle ; u:first ?o }"
    )
    (tmp_path / "20-middle.ru").write_text(
        "PREFIX u: <urn:> INSERT { ?s u:unread ?o } WHERE { ?s u:none ?o } ;"
        "INSERT { ?s a u:Middle } WHERE { ?s u:first ?o } ;"
    )
    rules = Rules([*tmp_path.glob("*.ru")], [])
    said = [ox.Triple(ox.NamedNode("urn:s"), ox.NamedNode("urn:first"), ox.Literal("x"))]
    assert [str(one) for one in rules.infer(said)] == [
        "<urn:s> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:Middle>",
        '<urn:s> <urn:last> "x"',
    ]
