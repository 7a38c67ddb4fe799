"""Claims about the example data: rebuilt byte for byte, marked as secondary coding, and whole.

Nothing here tells whether the coding is right: that takes a reader and the sources.
"""

import csv
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD
from rdflib.term import Node

__all__: list[str] = []

TOP = Path(__file__).parent.parent
EXAMPLES = TOP / "examples"
CASES = sorted((EXAMPLES / "cases").glob("*.ttl"))
RECODED = sorted((EXAMPLES / "recoded").glob("*.ttl"))
BASE = "https://w3id.org/coprod/"
DATA = f"{BASE}id/"
VOCABULARY = f"{BASE}vocab/"
CP = Namespace(f"{BASE}ontology#")
ORG = Namespace("http://www.w3.org/ns/org#")
PROJECT = URIRef(f"{DATA}agent/coprod-kg")
CLAIMS = (
    "StageAssessment",
    "BarrierReport",
    "EnablerReport",
    "Participation",
    "KnowledgeFlow",
    "ConditionClaim",
    "Transition",
    "AbsenceClaim",
    "OutcomeReport",
)

BASIS = {"adjudication": "adjudicated-coding"}

each_case = pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)


@cache
def graph(path: Path) -> Graph:
    """One file as submitted, its relative IRIs resolved against the base."""
    return Graph().parse(path, format="turtle", publicID=BASE)


@cache
def everything() -> Graph:
    """All files together."""
    union = Graph()
    for path in CASES:
        union += graph(path)
    return union


@cache
def concepts() -> frozenset[Node]:
    """Every concept of every scheme."""
    known = Graph()
    for path in sorted((TOP / "ontology" / "vocab").glob("*.ttl")):
        known.parse(path, format="turtle", publicID=BASE)
    return frozenset(known.subjects(SKOS.inScheme))


@cache
def model() -> frozenset[Node]:
    """Every term of the ontology."""
    return frozenset(Graph().parse(TOP / "ontology" / "coprod.ttl", format="turtle").subjects())


def claims(data: Graph) -> set[Node]:
    return {claim for name in CLAIMS for claim in data.subjects(RDF.type, CP[name])}


def table(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / "coding" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_coding_rebuilds_every_file_byte_for_byte(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "build.py"), "--into", str(tmp_path)]
    printed = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*/*.ttl")} == {
        path.name: path.read_bytes() for path in [*CASES, *RECODED]
    }
    stories = EXAMPLES / "stories.md"
    assert (tmp_path / "stories.md").read_bytes() == stories.read_bytes()
    assert (EXAMPLES / "README.md").read_text(encoding="utf-8").endswith(printed)


def test_there_are_at_least_sixty_initiatives_each_with_a_public_source() -> None:
    data = everything()
    initiatives = set(data.subjects(RDF.type, CP.Initiative))
    assert len(initiatives) >= 60
    assert initiatives == set(data.subjects(DCTERMS.source))


def test_every_published_case_is_either_coded_or_left_out_with_a_reason() -> None:
    coded = [row["case"] for row in table("initiatives") if row["case"]]
    reasons = {row["name"]: row["why"] for row in table("left_out")}
    assert len(reasons) == len(table("left_out"))
    assert all(reasons.values())
    left_out = [row["case"] for row in table("left_out") if row["case"]]
    assert len(coded + left_out) == len({*coded, *left_out})
    assert {f"CP{number:03}" for number in range(1, 82)} <= {*coded, *left_out}


@each_case
def test_every_claim_is_the_projects_own_secondary_coding(path: Path) -> None:
    data = graph(path)
    assert claims(data) == set(data.subjects(CP.about)) != set()
    for claim in claims(data):
        assert list(data.objects(claim, CP.claimedBy)) == [PROJECT]
        assert list(data.objects(claim, CP.basis)) == [
            URIRef(f"{VOCABULARY}basis/secondary-coding")
        ]
        (day,) = data.objects(claim, CP.claimedOn)
        assert day >= Literal("2026-11-24", datatype=XSD.date)


def test_no_comment_stands_at_many_claims() -> None:
    comments = Counter(everything().objects(None, RDFS.comment))
    assert {comment: number for comment, number in comments.items() if number > 4} == {}


@pytest.mark.parametrize("path", RECODED, ids=lambda path: path.stem)
def test_another_coder_is_another_claimant_about_the_same_cases(path: Path) -> None:
    data, known = graph(path), everything()
    typed = {*data.subjects(RDF.type), *known.subjects(RDF.type)}
    for claim in claims(data):
        assert list(data.objects(claim, CP.claimedBy)) == [
            URIRef(f"{DATA}agent/coprod-kg-{path.stem}")
        ]
        assert list(data.objects(claim, CP.supportedBy))
        assert (claim, None, None) not in known
        assert list(data.objects(claim, CP.basis)) == [
            URIRef(f"{VOCABULARY}basis/{BASIS.get(path.stem, 'secondary-coding')}")
        ]
        for about in data.objects(claim, CP.about):
            assert about in typed


def test_claims_joined_as_one_occurrence_tell_of_one_barrier_or_one_flow() -> None:
    told = everything()
    for path in RECODED:
        told = told + graph(path)
    joined = set(told.subject_objects(CP.sameOccurrenceAs))
    for later, earlier in joined:
        for property in (RDF.type, CP.about, CP.barrier, CP.step, CP.direction):
            assert told.value(later, property) == told.value(earlier, property), (later, property)
        ends = {told.value(report, CP.barrierStatus) for report in (later, earlier)}
        assert len(ends - {None}) < 2, (later, earlier)
    decided = {(row["about"], row["second"]) for row in table("adjudication/same_flows")}
    flows = {later for later, _ in joined if told.value(later, RDF.type) == CP.KnowledgeFlow}
    assert len(flows) == len(decided)
    assert len(joined) > len(flows) > 0


def test_every_difference_of_the_two_codings_has_a_decision_and_its_claim() -> None:
    twice = {row["initiative"] for row in table("double")}

    def coded(folder: str, name: str, code: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {initiative: [] for initiative in twice}
        for row in table(f"{folder}{name}"):
            if row["about"] in twice and row.get("found", "") in ("", "said"):
                found[row["about"]].append(row[code])
        return found

    stages, barriers = (
        [coded(folder, name, code) for folder in ("", "second-coding/", "adjudication/")]
        for name, code in (("stages", "stage"), ("barriers", "barrier"))
    )
    differ = {(about, *(" > ".join(one[about]) for one in stages[:2])) for about in twice}
    differ = {(about, one, other) for about, one, other in differ if one != other}
    for about in twice:
        one, other = (set(by[about]) for by in barriers[:2])
        differ |= {(about, barrier, "") for barrier in one - other}
        differ |= {(about, "", barrier) for barrier in other - one}
    decisions = table("adjudication/decisions")
    assert {(row["about"], row["first"], row["second"]) for row in decisions} == differ
    assert len(decisions) == len(differ)
    sought = {(row["about"], row["barrier"]) for row in table("adjudication/barriers")}
    for row in decisions:
        assert row["decision"] in {"first", "second", "neither", "open"}
        assert row["why"] or row["decision"] != "open"
        about, chosen = row["about"], row.get(row["decision"], "")
        if row["table"] == "stages":
            assert " > ".join(stages[2][about]).endswith(chosen.rpartition(" > ")[2])
            assert bool(stages[2][about]) == (row["decision"] != "open")
        elif row["decision"] == "neither":
            assert (about, row["first"] or row["second"]) in sought
        elif chosen:
            assert chosen in barriers[2][about]


def test_every_case_to_be_coded_twice_is_coded_once_and_has_sources() -> None:
    coded = {row["slug"] for row in table("initiatives")}
    assert {row["initiative"] for row in table("double")} - coded == set()
    assert all(row["sources"].startswith("http") for row in table("double"))


@each_case
def test_every_claim_rests_on_evidence_that_has_a_page(path: Path) -> None:
    data = graph(path)
    for claim in claims(data):
        evidence = list(data.objects(claim, CP.supportedBy))
        assert evidence
        for one in evidence:
            assert (one, RDF.type, CP.Evidence) in data
            (page,) = data.objects(one, FOAF.page)
            assert re.match(r"https?://[^ ]+$", str(page))


@pytest.mark.parametrize("path", [*CASES, *RECODED], ids=lambda path: path.stem)
def test_every_claim_can_be_traced_to_a_place_in_a_source_read_on_a_known_day(path: Path) -> None:
    data = graph(path)
    for claim in claims(data):
        assert str(data.value(claim, CP.locator) or "").strip(), claim
        sources = list(data.objects(claim, CP.supportedBy))
        assert sources
        for source in sources:
            day = data.value(source, CP.readOn)
            assert isinstance(day, Literal)
            assert day.datatype == XSD.date


@each_case
def test_every_file_says_that_no_organisation_has_confirmed_it(path: Path) -> None:
    label = str(graph(path).value(PROJECT, RDFS.label))
    assert "secondary coding" in label
    assert "not confirmed by the organisations" in label
    assert "not confirmed by them" in path.read_text(encoding="utf-8").partition("@prefix")[0]


@each_case
def test_every_file_is_named_for_an_organisation_that_runs_its_initiatives(path: Path) -> None:
    data = graph(path)
    lead = URIRef(f"{DATA}organisation/{path.stem}")
    assert (lead, RDF.type, ORG.Organization) in data
    assert set(data.subjects(RDF.type, CP.Initiative)) <= set(data.subjects(CP.runBy, lead))


def test_everything_that_is_described_has_a_label_with_a_language() -> None:
    data = everything()
    described = {one for one in data.subjects(RDF.type) if str(one).startswith(DATA)}
    labels = {one: list(data.objects(one, RDFS.label)) for one in described}
    assert {one for one, found in labels.items() if len(found) != 1} == set()
    assert all(isinstance(one, Literal) and one.language for (one,) in labels.values())


def test_no_two_files_say_different_things_of_the_same_thing() -> None:
    said: dict[Node, set[frozenset[tuple[Node, Node]]]] = defaultdict(set)
    for path in CASES:
        for subject in set(graph(path).subjects()):
            said[subject].add(frozenset(graph(path).predicate_objects(subject)))
    assert {subject for subject, versions in said.items() if len(versions) > 1} == set()


def test_no_two_organisations_and_no_two_sources_are_the_same_under_two_names() -> None:
    data = everything()
    for kind, tells_apart in ((ORG.Organization, RDFS.label), (CP.Evidence, FOAF.page)):
        found = [data.value(one, tells_apart) for one in set(data.subjects(RDF.type, kind))]
        assert len(found) == len(set(found))


def test_every_concept_that_is_used_exists() -> None:
    used = {one for one in everything().objects() if str(one).startswith(VOCABULARY)}
    assert used - concepts() == set()


def test_every_term_of_the_model_that_is_used_exists() -> None:
    data = everything()
    used = {*data.predicates(), *data.objects(None, RDF.type)}
    assert {one for one in used if str(one).startswith(str(CP))} - model() == set()


def test_nothing_is_named_that_is_not_described() -> None:
    data = everything()
    named = {one for one in data.objects() if str(one).startswith(DATA)}
    assert named - set(data.subjects()) == set()


@each_case
def test_a_file_describes_whatever_it_names_but_initiatives_of_other_files(path: Path) -> None:
    data = graph(path)
    missing = {one for one in data.objects() if str(one).startswith(DATA)} - set(data.subjects())
    assert {one for one in missing if not str(one).startswith(f"{DATA}initiative/")} == set()


def test_a_history_is_one_chain_about_one_subject_that_does_not_run_backwards_in_time() -> None:
    data = everything()
    followed = list(data.subject_objects(CP.followsAssessment))
    assert followed
    assert len({before for _, before in followed}) == len(followed)
    for later, before in followed:
        assert data.value(later, CP.about) == data.value(before, CP.about)
        years = [data.value(one, CP.validFrom) for one in (before, later)]
        assert None in years or str(years[0]) <= str(years[1])


def test_no_initiative_ends_before_it_starts() -> None:
    data = everything()
    for initiative, end in data.subject_objects(CP.endDate):
        start = data.value(initiative, CP.startDate)
        assert start is None or str(start)[: len(str(end))] <= str(end)


@pytest.mark.parametrize(
    "path",
    sorted((EXAMPLES / "coding").rglob("*.csv")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_every_row_of_a_table_has_as_many_cells_as_its_header(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert [row for row in rows if len(row) != len(header)] == []


AIMS = ("tries_out", "decision_due", "target_stage")


def test_an_aim_has_one_kind_a_source_and_a_place_in_it_and_is_told_while_it_holds() -> None:
    data, sources = everything(), {row["slug"]: row["url"] for row in table("evidence")}
    properties = dict(zip(AIMS, (CP.triesOut, CP.decisionDue, CP.targetStage), strict=True))
    rows = table("aims")
    kinds = [(row["about"], *(kind for kind in AIMS if row[kind])) for row in rows]
    assert {len(kind) for kind in kinds} == {2}
    assert len(set(kinds)) == len(kinds)
    assert {kind for _, kind in kinds} == set(AIMS)
    last = {row["about"]: row["stage"] for row in table("stages")}
    over = 0
    for row, (about, kind) in zip(rows, kinds, strict=True):
        initiative = URIRef(f"{DATA}initiative/{about}")
        if kind != "target_stage" and last[about] != "pilot-project":
            assert (initiative, properties[kind], None) not in data
            over += 1
            continue
        (told,) = data.objects(initiative, properties[kind])
        assert str(told).rpartition("/")[2] == row[kind] or str(told) == row[kind]
        assert bool(row["target_reason"]) == (kind == "target_stage")
        assert all(row[column] for column in ("locator", "coded", "confidence", "evidence"))
        for slug in row["evidence"].split(";"):
            page = URIRef(sources[slug])
            assert (initiative, DCTERMS.source, page) in data
            (evidence,) = data.subjects(FOAF.page, page)
            assert isinstance(data.value(evidence, CP.readOn), Literal)
    assert over


def test_what_is_tried_out_is_told_of_trials_alone_and_most_trials_were_looked_up_for_it() -> None:
    trials = {row["about"] for row in table("stages") if row["stage"] == "pilot-project"}
    told = {row["about"] for row in table("aims") if row["tries_out"]}
    assert told <= trials
    assert len(told) > len(trials) / 2


def test_a_search_was_made_for_a_coded_initiative_and_says_what_it_found() -> None:
    coded = {row["slug"] for row in table("initiatives")}
    for row in table("searches"):
        assert row["initiative"] in coded | {""}
        assert all(row[column] for column in ("day", "purpose", "words", "found"))


def test_a_check_names_a_coded_initiative_and_a_source() -> None:
    coded = {row["slug"] for row in table("initiatives")}
    for row in table("checks"):
        assert row["initiative"] in coded | {""}
        assert row["source"].startswith("http")
        assert row["result"] in {"confirmed", "corrected", "not found"}
