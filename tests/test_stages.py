"""The profiles of the stages: complete, and judged as pySHACL judges, with what decided."""

import shutil
from functools import cache
from pathlib import Path

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib
from rdflib.namespace import RDF, SH, SKOS

from benchmarks.generate import organisation
from coprod_kg.errors import ModelError
from coprod_kg.model.files import files
from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.installed import Model
from coprod_kg.reasoning.rules import Rules
from coprod_kg.validation import view
from coprod_kg.validation.paths import path_text
from coprod_kg.validation.profiles import Criterion, CriterionFinding, Judgement, Profiles

BASE = "https://w3id.org/coprod/"
CPS = "https://w3id.org/coprod/shapes#"
FILES = tuple(sorted((files("shapes") / "stages").glob("*.ttl")))
CASES = sorted((files("examples") / "cases").glob("*.ttl"))
COMPARED = ("comune-di-bologna", "gentofte-kommune", "ryhov-county-hospital", "wigan-council")
PREFIXES = """
PREFIX condition: <https://w3id.org/coprod/vocab/condition/>
PREFIX contribution: <https://w3id.org/coprod/vocab/contribution/>
PREFIX coverage: <https://w3id.org/coprod/vocab/coverage/>
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX cps: <https://w3id.org/coprod/shapes#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX enabler: <https://w3id.org/coprod/vocab/enabler/>
PREFIX evidence-kind: <https://w3id.org/coprod/vocab/evidence-kind/>
PREFIX finding: <https://w3id.org/coprod/vocab/finding/>
PREFIX independence: <https://w3id.org/coprod/vocab/independence/>
PREFIX org: <http://www.w3.org/ns/org#>
PREFIX phase: <https://w3id.org/coprod/vocab/phase/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX role: <https://w3id.org/coprod/vocab/role/>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX stage: <https://w3id.org/coprod/vocab/stage/>
PREFIX standpoint: <https://w3id.org/coprod/vocab/standpoint/>
PREFIX status: <https://w3id.org/coprod/vocab/status/>
PREFIX value: <https://w3id.org/coprod/vocab/value/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""


@cache
def model() -> tuple[Rules, Profiles]:
    installed = Model.installed()
    rules = Rules(installed.rules, installed.background)
    return rules, Profiles(FILES, Graph(rules.background))


def with_conclusions(turtle: str) -> tuple[list[ox.Triple], list[ox.Triple]]:
    parsed = ox.parse(turtle, format=ox.RdfFormat.TURTLE, base_iri=BASE)
    triples = [one.triple for one in parsed]
    return triples, model()[0].infer(triples)


def judged(turtle: str, profiles: Profiles | None = None) -> dict[str, Judgement]:
    found = (profiles or model()[1]).judge(*with_conclusions(turtle))
    return {one.subject.removeprefix(f"{BASE}id/"): one for one in found}


def missed(judgement: Judgement, stage: str | None = None) -> set[str]:
    return {
        one.criterion.iri.removeprefix(CPS)
        for one in judgement.verdicts
        if not one.met and (stage is None or f"{BASE}vocab/stage/{stage}" in one.criterion.stages)
    }


def required_missed(judgement: Judgement, stage: str) -> set[str]:
    required = {
        one.criterion.iri.removeprefix(CPS) for one in judgement.verdicts if one.criterion.required
    }
    return missed(judgement, stage) & required


def stages(judgement: Judgement) -> list[str]:
    return [one.rpartition("/")[2] for one in judgement.supported]


# The files

CRITERIA = sorted(
    (one for profile in model()[1].profiles for one in profile.criteria), key=lambda one: one.iri
)


def test_there_is_one_profile_for_each_stage_and_one_of_co_production() -> None:
    found = [one.stage.rpartition("/")[2] for one in model()[1].profiles]
    assert found == [
        "",  # whether it is co-production at all
        *("ad-hoc-collective", "ad-hoc-individual", "pilot-project"),
        *("project", "programme", "culture"),
    ]


@pytest.mark.parametrize("one", CRITERIA, ids=lambda one: one.iri.removeprefix(CPS))
def test_a_criterion_says_what_would_show_it_and_where_it_comes_from(one: Criterion) -> None:
    assert one.message.endswith(".")
    assert one.evidence
    assert one.sources
    assert one.note or f"{BASE}ontology" not in one.sources


def test_a_criterion_has_the_same_words_in_each_language() -> None:
    for profile in model()[1].profiles:
        for criterion in profile.criteria:
            said = {language: criterion.words(language) for language in ("en", "da", "de")}
            for part in ("name", "description", "message"):
                texts = [getattr(words, part) for words in said.values()]
                assert all(texts), (criterion.iri, part)
                assert len(set(texts)) == 3, (criterion.iri, part)
            assert len({len(words.examples) for words in said.values()}) == 1, criterion.iri


def test_no_term_or_concept_in_the_profiles_is_unknown() -> None:
    known = {str(one) for one, _ in model()[1].background.pairs("rdf:type")}
    used = {
        str(term)
        for path in FILES
        for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE)
        for term in (quad.predicate, quad.object)
        if isinstance(term, ox.NamedNode)
        and term.value.startswith((f"{BASE}ontology#", f"{BASE}vocab/"))
    }
    assert used <= known


def test_no_profile_consists_of_criteria_that_only_exclude() -> None:
    for profile in model()[1].profiles:
        required = [one for one in profile.criteria if one.required]
        assert any(not one.only_excludes for one in required)


def test_only_culture_asks_for_the_conditions_of_mainstreaming() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert ("condition:meaningful-input" in text) == (path.stem == "culture")


# The verdicts

PILOT = """
<id/organisation/town> a org:Organization .
<id/evidence/report> a cp:Evidence ; cp:evidenceKind evidence-kind:evaluation-report .
<id/initiative/panel> a cp:Initiative ; cp:runBy <id/organisation/town> ;
  cp:triesOut "Do panels keep streets cleaner?"@en ; cp:decisionDue "2019-03"^^xsd:gYearMonth .
"""
BOTH = """
<id/participation/residents> a cp:Participation ; cp:about <id/initiative/panel> ;
  cp:role role:resident ; cp:contribution contribution:time .
<id/participation/staff> a cp:Participation ; cp:about <id/initiative/panel> ;
  cp:role role:local-manager ; cp:contribution contribution:time .
"""
PROJECT = """
<id/organisation/town> a org:Organization .
<id/initiative/panel> a cp:Initiative ; cp:runBy <id/organisation/town> ;
  cp:lifecycleStatus status:running ; cp:expectsValue value:better-outcomes .
<id/participation/payer> a cp:Participation ; cp:about <id/initiative/panel> ; cp:role role:funder .
"""
PROGRAMME = """
<id/initiative/panel> cp:hasPart <id/initiative/one> , <id/initiative/two> ;
  cp:strategicGoal "Residents decide on their streets"@en .
"""


def panel(*parts: str) -> Judgement:
    return judged(PREFIXES + "".join(parts))["initiative/panel"]


def test_a_pilot_has_a_question_and_a_bound_and_needs_neither_permanence_nor_money() -> None:
    assert stages(panel(PILOT)) == ["pilot-project"]
    asked = PILOT.replace('cp:triesOut "Do panels keep streets cleaner?"@en ;', "")
    assert required_missed(panel(asked), "pilot-project") == {"PilotProject-question"}
    endless = PILOT.replace('; cp:decisionDue "2019-03"^^xsd:gYearMonth', '; cp:place "Town"')
    assert required_missed(panel(endless), "pilot-project") == {"PilotProject-bound"}


@pytest.mark.parametrize(
    "bound",
    [
        'cp:endDate "2019"^^xsd:gYear',
        "cp:isPartOf <id/initiative/whole>",
        "cp:hasClaim [ a cp:StageAssessment ; cp:stage stage:pilot-project ; "
        'cp:validUntil "2019"^^xsd:gYear ]',
        "cp:hasClaim [ a cp:Transition ; cp:leavesStage stage:pilot-project ; "
        "cp:reachesStage stage:project ]",
    ],
)
def test_a_pilot_is_bounded_by_an_end_a_whole_or_a_decision(bound: str) -> None:
    assert stages(panel(PILOT.replace('cp:decisionDue "2019-03"^^xsd:gYearMonth', bound))) == [
        "pilot-project"
    ]


def test_what_covers_a_whole_city_already_is_no_pilot() -> None:
    found = panel(PILOT, "<id/initiative/panel> cp:hasCoverage coverage:whole-area .")
    assert found.supported == ()
    assert f"{BASE}vocab/stage/pilot-project" in found.contradicted


def test_a_project_needs_no_pilot_before_it() -> None:
    assert stages(panel(PROJECT)) == ["project"]


def test_a_trial_becomes_a_project_by_a_decision() -> None:
    trial = PROJECT + '<id/initiative/panel> cp:triesOut "Do panels work?"@en .'
    assert required_missed(panel(trial), "project") == {"Project-moreThanTrial"}
    decided = """<id/transition/it> a cp:Transition ; cp:about <id/initiative/panel> ;
      cp:leavesStage stage:pilot-project ; cp:reachesStage stage:project ."""
    assert stages(panel(trial, decided)) == ["project"]


def test_a_programme_has_parts_or_a_scale_and_a_goal_and_its_parts_need_not_be_pilots() -> None:
    assert stages(panel(PILOT, PROGRAMME)) == ["programme"]
    one_part = PROGRAMME.replace(" , <id/initiative/two>", "")
    assert required_missed(panel(PILOT, one_part), "programme") == {"Programme-parts"}
    for scale in ("cp:partCount 12", "cp:hasCoverage coverage:several-sites"):
        assert stages(panel(PILOT, one_part, f"<id/initiative/panel> {scale} .")) == ["programme"]
    grown = "<id/initiative/panel> cp:hasCoverage coverage:whole-area ."
    assert required_missed(panel(PILOT, one_part, grown), "programme") == {"Programme-parts"}


ACT = """
<id/initiative/panel> a cp:Initiative .
<id/participation/nurse> a cp:Participation ; cp:about <id/initiative/panel> ;
  cp:role role:frontline-professional .
<id/enabler-report/asked> a cp:EnablerReport ; cp:about <id/initiative/panel> ;
  cp:enabler enabler:citizen-initiative .
"""


def test_ad_hoc_facilitation_needs_no_document_owner_date_or_end() -> None:
    assert stages(panel(ACT)) == ["ad-hoc-individual"]


def test_silence_on_formal_things_supports_nothing_by_itself() -> None:
    assert panel("<id/initiative/panel> a cp:Initiative .").supported == ()


def test_what_money_carries_is_not_ad_hoc() -> None:
    paid = """<id/participation/payer> a cp:Participation ; cp:about <id/initiative/panel> ;
      cp:role role:funder ."""
    found = panel(ACT, paid)
    assert found.supported == ()
    assert f"{BASE}vocab/stage/ad-hoc-individual" in found.contradicted


# Co-production, one definition in the profile, the ontology and the saved query


@pytest.mark.parametrize(
    ("said", "both"),
    [
        (BOTH, True),
        (BOTH.replace("; cp:contribution contribution:time", "; cp:phase phase:co-design"), False),
        (BOTH.replace("role:local-manager", "role:resident"), False),
        (BOTH.replace("role:local-manager", "role:elected-politician"), True),
        (BOTH.replace("role:resident", "role:local-authority"), False),
        (
            "<id/initiative/panel> cp:hasPart <id/initiative/part> ."
            + BOTH.replace("initiative/panel", "initiative/part"),
            True,
        ),
    ],
    ids=["both", "phases only", "one side", "politicians", "service only", "in a part"],
)
def test_co_production_is_contributions_of_both_sides_in_profile_ontology_and_query(
    said: str, both: bool
) -> None:
    assert panel(PILOT, said).co_produced is both
    triples = with_conclusions(PREFIXES + PILOT + said)
    kind = ox.NamedNode(f"{BASE}ontology#CoProducedInitiative")
    node = ox.NamedNode(f"{BASE}id/initiative/panel")
    assert (ox.Triple(node, RDF_TYPE, kind) in triples[1]) is both


def test_the_stage_and_whether_it_is_co_production_are_two_answers() -> None:
    found = panel(PILOT)
    assert (stages(found), found.co_produced) == (["pilot-project"], False)


# Three states

DENIED = """
<id/absence-claim/it> a cp:AbsenceClaim ; cp:about <id/initiative/panel> ;
  cp:hasFinding finding:does-not-hold ; cp:looksForCriterion cps:PilotProject-question .
"""


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        (PROJECT, CriterionFinding.NOT_CODED),
        (PROJECT + DENIED, CriterionFinding.DOES_NOT_HOLD),
        (PROJECT + DENIED.replace("does-not-hold", "not-found"), CriterionFinding.NOT_FOUND),
        (PILOT, CriterionFinding.HOLDS),
        (PILOT + DENIED, CriterionFinding.CONTESTED),
    ],
)
def test_silence_is_never_a_no(said: str, finding: CriterionFinding) -> None:
    found = panel(said)
    verdict = next(one for one in found.verdicts if one.criterion.iri.endswith("-question"))
    assert verdict.finding is finding
    against = f"{BASE}vocab/stage/pilot-project" in found.contradicted
    assert against is (finding is CriterionFinding.DOES_NOT_HOLD)


SUPPORTS = (
    *("values-and-mindset", "formal-structures", "formal-processes", "leadership-commitment"),
)
CONDITIONS = (
    *SUPPORTS,
    *("integrated-way-of-working", "meaningful-input", "value-for-users", "value-for-organisation"),
)


def culture(*conditions: str, seen: str = "user evaluator", dated: str = "") -> str:
    """A town of which these conditions are claimed, from each standpoint in turn."""
    points = seen.split()
    claims = "".join(
        f"<id/condition-claim/{one}> a cp:ConditionClaim ; cp:about <id/organisation/town> ;"
        f" cp:condition condition:{one} ; cp:standpoint standpoint:{points[number % len(points)]} ;"
        f' cp:validFrom "2020"^^xsd:gYear ; cp:supportedBy <id/evidence/report> .\n'
        for number, one in enumerate(conditions)
    )
    return f"""{PREFIXES}{PILOT}{claims}{dated}
    <id/initiative/second> a cp:Initiative ; cp:runBy <id/organisation/town> .
    """


def town(text: str) -> Judgement:
    return judged(text)["organisation/town"]


def test_culture_is_a_trait_of_an_organisation_that_shows_every_condition_with_evidence() -> None:
    assert stages(town(culture(*CONDITIONS))) == ["culture"]
    assert all(
        "culture" not in one.stage for one in judged(PREFIXES + PILOT)["initiative/panel"].profiles
    )


def test_an_organisation_is_judged_by_its_own_data_and_by_claims_about_it() -> None:
    org = "PREFIX org: <http://www.w3.org/ns/org#>\n"
    partners = """<id/organisation/partner> a org:Organization .
    <id/organisation/team> a org:OrganizationalUnit ; org:unitOf <id/organisation/branch> .
    <id/organisation/branch> a org:OrganizationalUnit ; org:unitOf <id/organisation/town> .
    <id/initiative/joint> a cp:Initiative ; cp:runBy <id/organisation/town> ,
      <id/organisation/partner> , <id/organisation/team> , <id/organisation/branch> .
    """
    claim = """<id/condition-claim/p> a cp:ConditionClaim ; cp:about <id/organisation/partner> ;
      cp:condition condition:values-and-mindset .
    """
    inside = {"organisation/town", "organisation/team", "organisation/branch"}

    def seen(text: str, owner: str | None) -> set[str]:
        node = ox.NamedNode(f"{BASE}id/organisation/{owner}") if owner else None
        found = model()[1].judge(*with_conclusions(org + text), node)
        names = {one.subject.removeprefix(f"{BASE}id/") for one in found}
        return {name for name in names if name.startswith("organisation/")}

    text = culture(*CONDITIONS) + partners
    assert seen(text, "town") == inside
    assert seen(text + claim, "town") == {*inside, "organisation/partner"}
    assert seen(text, None) == {*inside, "organisation/partner"}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_culture_misses_each_condition_that_nobody_claims(condition: str) -> None:
    rest = [one for one in CONDITIONS if one != condition]
    assert len(required_missed(town(culture(*rest)), "culture")) == 1


def test_culture_is_seen_from_two_sides_and_one_is_independent() -> None:
    managers = town(culture(*CONDITIONS, seen="manager"))
    assert required_missed(managers, "culture") == {"Culture-twoSides", "Culture-independent"}
    users = town(culture(*CONDITIONS, seen="manager user"))
    assert required_missed(users, "culture") == {"Culture-independent"}
    marked = "<id/evidence/report> cp:hasIndependence independence:independent ."
    assert stages(town(culture(*CONDITIONS, seen="manager user", dated=marked))) == ["culture"]


def test_evidence_from_before_the_time_of_the_claim_shows_nothing() -> None:
    old = '<id/evidence/report> dcterms:issued "2011"^^xsd:gYear .'
    assert len(required_missed(town(culture(*CONDITIONS, dated=old)), "culture")) == 10


def test_evidence_of_one_claim_is_none_of_another() -> None:
    bare = culture(*CONDITIONS).replace(
        "condition:meaningful-input ; cp:standpoint standpoint:evaluator ;"
        ' cp:validFrom "2020"^^xsd:gYear ; cp:supportedBy <id/evidence/report> .',
        "condition:meaningful-input .",
    )
    assert required_missed(town(bare), "culture") == {"Culture-meaningful"}


def test_a_claim_is_no_evidence_of_itself() -> None:
    claimed = """
    <id/initiative/panel> a cp:Initiative .
    <id/stage-assessment/panel> a cp:StageAssessment ; cp:about <id/initiative/panel> ;
      cp:claimedBy <id/organisation/town> ; cp:stage stage:project .
    """
    assert panel(claimed).supported == ()


def test_a_verdict_comes_with_the_statements_that_decided_it() -> None:
    verdicts = panel(PILOT, PROGRAMME).verdicts
    parts = next(one for one in verdicts if one.criterion.iri == f"{CPS}Programme-parts")
    has_part = ox.NamedNode(f"{BASE}ontology#hasPart")
    whole, one, two = (ox.NamedNode(f"{BASE}id/initiative/{x}") for x in ("panel", "one", "two"))
    assert set(parts.triples) == {ox.Triple(whole, has_part, one), ox.Triple(whole, has_part, two)}


def test_a_missed_criterion_comes_with_what_was_found() -> None:
    verdicts = panel(PROJECT.replace("running", "planned")).verdicts
    runs = next(one for one in verdicts if one.criterion.iri == f"{CPS}Project-operation")
    assert [one.object.value for one in runs.triples] == [f"{BASE}vocab/status/planned"]  # type: ignore[union-attr]  # IRIs


def test_a_path_is_written_as_in_sparql() -> None:
    paths = {
        one.iri.removeprefix(CPS): path_text(model()[1].shapes, one.path, lambda iri: iri[-8:])
        for one in CRITERIA
    }
    assert paths["CoProduction-citizenInput"] == "#hasPart?/^gy#about"


# The same as pySHACL


@cache
def reference() -> tuple[rdflib.Graph, rdflib.Graph]:
    view.install()
    shapes, background = rdflib.Graph(), rdflib.Graph()
    for path in FILES:
        shapes.parse(path)
    text = ox.serialize(model()[0].background, format=ox.RdfFormat.N_TRIPLES)
    background.parse(data=text, format="nt")
    return shapes, background


def violations(said: list[ox.Triple], inferred: list[ox.Triple]) -> set[tuple[str, str]]:
    """The pairs of subject and criterion that pySHACL finds missed."""
    shapes, background = reference()
    text = ox.serialize([*said, *inferred], format=ox.RdfFormat.N_TRIPLES)
    described = {str(one.subject)[1:-1] for one in said if one.predicate == RDF_TYPE}
    data = rdflib.Graph().parse(data=text, format="nt")
    _, results, _ = pyshacl.validate(background + data, shacl_graph=shapes, advanced=False)
    return {
        (str(results.value(one, SH.focusNode)), str(results.value(one, SH.sourceShape)))
        for one in results.subjects(RDF.type, SH.ValidationResult)
        if str(results.value(one, SH.focusNode)) in described
    }


def ours(said: list[ox.Triple], inferred: list[ox.Triple]) -> set[tuple[str, str]]:
    return {
        (one.subject, verdict.criterion.iri)
        for one in model()[1].judge(said, inferred)
        for verdict in one.verdicts
        if not verdict.met
    }


@pytest.mark.parametrize("name", COMPARED)
def test_verdicts_on_the_examples_are_those_of_pyshacl(name: str) -> None:
    path = next(one for one in CASES if one.stem == name)
    triples = with_conclusions(path.read_text(encoding="utf-8"))
    assert ours(*triples) == violations(*triples)


@pytest.mark.parametrize("seed", range(4))
def test_verdicts_on_made_up_data_are_those_of_pyshacl(seed: int) -> None:
    triples = with_conclusions(organisation(seed, seed, 5))
    found = ours(*triples)
    assert found == violations(*triples)
    assert found


# Adding one


def test_a_new_criterion_is_an_edit_of_one_file(tmp_path: Path) -> None:
    copies = [Path(shutil.copy(path, tmp_path)) for path in FILES]
    pilot = next(one for one in copies if one.stem == "pilot-project")
    text = pilot.read_text(encoding="utf-8")
    text = text.replace(
        "cps:PilotProject-next .", "cps:PilotProject-next ,\n        cps:PilotProject-end .", 1
    )
    pilot.write_text(
        text
        + """
        cps:PilotProject-end a sh:PropertyShape , cp:Criterion ;
            sh:path cp:endDate ; sh:minCount 1 ; cp:criterionOf stage:pilot-project ;
            cp:evidencedBy evidence-kind:decision-record ; sh:name "It ends"@en ;
            sh:description "A pilot ends."@en ; sh:message "Say when it ends."@en ;
            sh:severity sh:Violation ; sh:order 20 ; dcterms:source <https://example.org/> .
        """,
        encoding="utf-8",
    )
    profiles = Profiles(copies, Graph(model()[0].background))
    found = judged(PREFIXES + PILOT, profiles)["initiative/panel"]
    assert found.supported == ()
    assert required_missed(found, "pilot-project") == {"PilotProject-end"}
    ended = PILOT + '<id/initiative/panel> cp:endDate "2020"^^xsd:gYear .'
    assert stages(judged(PREFIXES + ended, profiles)["initiative/panel"]) == ["pilot-project"]


BROKEN = {
    "cannot use sh:pattern": 'sh:path cp:place ; sh:pattern "a" ; cp:criterionOf stage:culture',
    "not exactly one stage in common": "sh:path cp:place ; sh:minCount 1",
    "is no path": "sh:path [ sh:name 1 ] ; sh:minCount 1 ; cp:criterionOf stage:culture",
    "inverse path of more than one": "sh:path [ sh:inversePath ( cp:place cp:role ) ]",
}


@pytest.mark.parametrize("word", BROKEN)
def test_a_profile_that_cannot_be_judged_is_refused_and_never_passed_over(
    word: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.ttl"
    path.write_text(
        f"""{PREFIXES}
        cps:Broken a sh:NodeShape ; sh:targetClass cp:Initiative ; sh:property cps:Broken-one .
        cps:Broken-one a sh:PropertyShape ; {BROKEN[word]} ; sh:name "one" ;
            sh:description "one" ; sh:message "one" ; sh:order 1 .""",
        encoding="utf-8",
    )
    with pytest.raises(ModelError, match=word):
        Profiles([path], Graph(model()[0].background))


def test_what_a_profile_calls_our_inference_is_marked_as_such() -> None:
    graph = reference()[0]
    own = rdflib.URIRef(f"{BASE}ontology")
    source = rdflib.URIRef("http://purl.org/dc/terms/source")
    for one in graph.subjects(source, own):
        assert "our inference" in str(graph.value(one, SKOS.editorialNote)).lower()
