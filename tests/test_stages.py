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
from coprod_kg.validation import caches
from coprod_kg.validation.paths import written
from coprod_kg.validation.profiles import Criterion, Judgement, Profiles

BASE = "https://w3id.org/coprod/"
CPS = "https://w3id.org/coprod/shapes#"
FILES = tuple(sorted((files("shapes") / "stages").glob("*.ttl")))
CASES = sorted((files("examples") / "cases").glob("*.ttl"))
COMPARED = ("comune-di-bologna", "gentofte-kommune", "ryhov-county-hospital", "wigan-council")
PREFIXES = """
PREFIX condition: <https://w3id.org/coprod/vocab/condition/>
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX cps: <https://w3id.org/coprod/shapes#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX evidence-kind: <https://w3id.org/coprod/vocab/evidence-kind/>
PREFIX org: <http://www.w3.org/ns/org#>
PREFIX phase: <https://w3id.org/coprod/vocab/phase/>
PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#>
PREFIX role: <https://w3id.org/coprod/vocab/role/>
PREFIX sh: <http://www.w3.org/ns/shacl#>
PREFIX stage: <https://w3id.org/coprod/vocab/stage/>
PREFIX status: <https://w3id.org/coprod/vocab/status/>
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


def test_there_is_one_profile_for_each_stage() -> None:
    found = [one.stage.rpartition("/")[2] for one in model()[1].profiles]
    assert found == [
        *("ad-hoc-collective", "ad-hoc-individual", "pilot-project"),
        *("project", "programme", "culture"),
    ]


@pytest.mark.parametrize("one", CRITERIA, ids=lambda one: one.iri.removeprefix(CPS))
def test_a_criterion_says_what_would_show_it_and_where_it_comes_from(one: Criterion) -> None:
    assert one.message.endswith(".")
    assert one.evidence
    assert one.sources
    assert one.note or f"{BASE}ontology" not in one.sources


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


def test_only_culture_asks_for_the_conditions_of_mainstreaming() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert ("condition:meaningful-input" in text) == (path.stem == "culture")


# The verdicts

PILOT = """
<id/organisation/town> a org:Organization .
<id/evidence/report> a cp:Evidence ; cp:evidenceKind evidence-kind:evaluation-report .
<id/initiative/panel> a cp:Initiative ; cp:runBy <id/organisation/town> ; cp:place "Town" .
<id/participation/residents> a cp:Participation ; cp:about <id/initiative/panel> ;
  cp:role role:resident ; cp:phase phase:co-design ; cp:supportedBy <id/evidence/report> .
<id/participation/staff> a cp:Participation ; cp:about <id/initiative/panel> ;
  cp:role role:local-manager ; cp:phase phase:co-design .
"""
RUNNING = """
<id/initiative/panel> cp:lifecycleStatus status:running .
<id/participation/payer> a cp:Participation ; cp:about <id/initiative/panel> ; cp:role role:funder .
"""
PROGRAMME = """
<id/initiative/panel> cp:hasPart <id/initiative/one> , <id/initiative/two> ;
  cp:strategicGoal "Residents decide on their streets"@en .
"""


def test_a_pilot_needs_neither_permanence_nor_money() -> None:
    assert stages(judged(PREFIXES + PILOT)["initiative/panel"]) == ["pilot-project"]


def test_a_project_needs_no_pilot_before_it() -> None:
    panel = judged(PREFIXES + PILOT + RUNNING)["initiative/panel"]
    assert stages(panel) == ["project"]
    without_bounds = (PILOT + RUNNING).replace('; cp:place "Town"', "")
    again = judged(PREFIXES + without_bounds)["initiative/panel"]
    assert stages(again) == ["project"]
    assert "PilotProject-bounds" in missed(again)


def test_a_programme_has_two_parts_and_a_goal_and_its_parts_need_not_have_been_pilots() -> None:
    assert stages(judged(PREFIXES + PILOT + PROGRAMME)["initiative/panel"]) == ["programme"]
    one_part = PROGRAMME.replace(" , <id/initiative/two>", "")
    panel = judged(PREFIXES + PILOT + one_part)["initiative/panel"]
    assert required_missed(panel, "programme") == {"Programme-parts"}
    counted = one_part + "<id/initiative/panel> cp:partCount 12 ."
    assert stages(judged(PREFIXES + PILOT + counted)["initiative/panel"]) == ["programme"]


def test_ad_hoc_facilitation_needs_no_document_owner_or_end() -> None:
    act = (
        PREFIXES
        + """
    <id/initiative/act> a cp:Initiative ; cp:startDate "2005"^^xsd:gYear .
    <id/participation/patient> a cp:Participation ; cp:about <id/initiative/act> ;
      cp:role role:service-user ; cp:contributionNote "He learned to run the machine."@en .
    <id/participation/nurse> a cp:Participation ; cp:about <id/initiative/act> ;
      cp:role role:frontline-professional ; cp:contributionNote "She taught him."@en .
    """
    )
    assert stages(judged(act)["initiative/act"]) == ["ad-hoc-individual"]


def test_without_the_citizens_side_it_is_no_stage_of_co_production() -> None:
    alone = PILOT.replace("role:resident", "role:local-authority")
    panel = judged(PREFIXES + alone)["initiative/panel"]
    assert panel.supported == ()
    assert {"CoProduction-citizenSide", "CoProduction-citizenInput"} <= missed(panel)


CONDITIONS = (
    *("formal-structures", "formal-processes", "leadership-commitment"),
    *("integrated-way-of-working", "meaningful-input", "value-for-users", "value-for-organisation"),
)


def culture(
    *conditions: str,
    evidence: str = "; cp:supportedBy <id/evidence/report>",
    about: str = "organisation/town",
) -> str:
    claims = "".join(
        f"<id/condition-claim/{one}> a cp:ConditionClaim ; cp:about <id/{about}> ;"
        f" cp:condition condition:{one} {evidence} .\n"
        for one in conditions
    )
    return f"""{PREFIXES}{PILOT}{claims}
    <id/initiative/second> a cp:Initiative ; cp:runBy <id/organisation/town> .
    <id/stage-assessment/culture> a cp:StageAssessment ; cp:about <id/{about}> ;
      cp:claimedBy <id/organisation/town> ; cp:stage stage:culture .
    """


def test_culture_is_a_trait_of_an_organisation_that_shows_every_condition_with_evidence() -> None:
    assert stages(judged(culture(*CONDITIONS))["organisation/town"]) == ["culture"]
    bare = judged(culture(*CONDITIONS, evidence=""))["organisation/town"]
    assert len(required_missed(bare, "culture")) == len(CONDITIONS)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_culture_misses_each_condition_that_nobody_claims(condition: str) -> None:
    rest = [one for one in CONDITIONS if one != condition]
    assert len(required_missed(judged(culture(*rest))["organisation/town"], "culture")) == 1


def test_a_claim_of_culture_about_an_initiative_is_told_to_look_at_the_organisation() -> None:
    panel = judged(culture(*CONDITIONS, about="initiative/panel"))["initiative/panel"]
    assert required_missed(panel, "culture") == {"Culture-organisation", "Culture-breadth"}


def test_a_claim_is_no_evidence_of_itself() -> None:
    claimed = (
        PREFIXES
        + """
    <id/initiative/panel> a cp:Initiative .
    <id/stage-assessment/panel> a cp:StageAssessment ; cp:about <id/initiative/panel> ;
      cp:claimedBy <id/organisation/town> ; cp:stage stage:project .
    """
    )
    assert judged(claimed)["initiative/panel"].supported == ()


def test_a_verdict_comes_with_the_statements_that_decided_it() -> None:
    verdicts = judged(PREFIXES + PILOT + PROGRAMME)["initiative/panel"].verdicts
    parts = next(one for one in verdicts if one.criterion.iri == f"{CPS}Programme-parts")
    has_part = ox.NamedNode(f"{BASE}ontology#hasPart")
    panel, one, two = (ox.NamedNode(f"{BASE}id/initiative/{x}") for x in ("panel", "one", "two"))
    assert set(parts.triples) == {ox.Triple(panel, has_part, one), ox.Triple(panel, has_part, two)}


def test_a_missed_criterion_comes_with_what_was_found() -> None:
    one_part = PROGRAMME.replace(" , <id/initiative/two>", "")
    verdicts = judged(PREFIXES + PILOT + one_part)["initiative/panel"].verdicts
    parts = next(one for one in verdicts if one.criterion.iri == f"{CPS}Programme-parts")
    assert [one.object.value for one in parts.triples] == [f"{BASE}id/initiative/one"]  # type: ignore[union-attr]  # IRIs


def test_a_path_is_written_as_in_sparql() -> None:
    paths = {
        one.iri.removeprefix(CPS): written(model()[1].shapes, one.path, lambda iri: iri[-8:])
        for one in CRITERIA
    }
    assert paths["CoProduction-serviceSide"] == "/hasPart?/^gy#about/ogy#role/#broader*".replace(
        "/hasPart", "#hasPart"
    )


# The same as pySHACL


@cache
def reference() -> tuple[rdflib.Graph, rdflib.Graph]:
    caches.install()
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
    panel = judged(PREFIXES + PILOT, profiles)["initiative/panel"]
    assert panel.supported == ()
    assert required_missed(panel, "pilot-project") == {"PilotProject-end"}
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
