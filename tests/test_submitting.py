"""The writing road: what is accepted is there as it was sent; what is refused changes nothing."""

import csv
import io
import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from coprod_kg.assessment import recompute_conclusions
from coprod_kg.errors import NotConformant, TooLarge, WrongUsage
from coprod_kg.ingest.submit import Sender, SubmitOptions, SubmittedFile, submit, validate
from coprod_kg.model.files import files
from coprod_kg.queries.library import load, views
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query, Store
from tests.memory_store import MemoryStore

BASE = "https://w3id.org/coprod/"
PREFIXES = """
PREFIX basis: <https://w3id.org/coprod/vocab/basis/>
PREFIX country: <http://publications.europa.eu/resource/authority/country/>
PREFIX cp: <https://w3id.org/coprod/ontology#>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX org: <http://www.w3.org/ns/org#>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
PREFIX sector: <https://w3id.org/coprod/vocab/sector/>
PREFIX stage: <https://w3id.org/coprod/vocab/stage/>
"""
CODER = Sender("coder", "A coder")


def organisation(name: str) -> str:
    return f'<id/organisation/{name}> a org:Organization ; rdfs:label "{name}"@en .\n'


def initiative(name: str, *run_by: str, more: str = "") -> str:
    runners = " , ".join(f"<id/organisation/{one}>" for one in run_by)
    return (
        f'<id/initiative/{name}> a cp:Initiative ; rdfs:label "{name}"@en ; cp:runBy {runners} ;\n'
        f"  cp:sector sector:health ; dcterms:source <https://example.org/{name}> {more} .\n"
    )


def sent(name: str, *parts: str, stated: str | None = None) -> SubmittedFile:
    return SubmittedFile(name, (PREFIXES + "".join(parts)).encode(), organisation=stated)


def town(more: str = "") -> SubmittedFile:
    return sent("town.ttl", organisation("town"), initiative("panel", "town", more=more))


BROKEN = sent("lake.ttl", organisation("lake"), initiative("pond", "lake", more="; cp:sector 1"))
ASSESSED = sent(
    "town.ttl",
    '<id/organisation/town> a org:Organization ; rdfs:label "town"@en ; cp:country country:DNK .\n',
    initiative("panel", "town"),
    '<id/agent/coder> a prov:Agent ; rdfs:label "Coder"@en .\n',
    '<id/stage-assessment/panel> a cp:StageAssessment ; rdfs:label "Panel"@en ;\n',
    "  cp:about <id/initiative/panel> ; cp:stage stage:project ; cp:basis basis:evaluation ;\n",
    "  cp:claimedBy <id/agent/coder> .\n",
)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"data": tmp_path / "data"}, {})


def asked(store: Store, pattern: str) -> bool:
    answer = store.query(
        Query(f"{PREFIXES} ASK {{ {pattern} }}", ("application/sparql-results+json",))
    )
    return bool(json.loads(answer.read())["boolean"])


def graph(store: MemoryStore, name: str) -> set[str]:
    query = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"
    answer = store.query(
        Query(query, ("application/n-triples",), default_graphs=(f"{BASE}graph/{name}",))
    )
    return set(answer.read().decode().splitlines())


def test_what_was_said_and_what_follows_lie_in_two_graphs(
    store: MemoryStore, settings: Settings
) -> None:
    [outcome] = submit([ASSESSED], store, settings)
    assert (outcome.accepted, outcome.organisation, outcome.version) == (True, "town", 1)
    said, concluded = graph(store, "organisation/town"), graph(store, "assessment/town")
    assert len(said) == outcome.triples
    assert not said & concluded
    panel, country = "<id/initiative/panel>", "country:DNK"
    assert asked(
        store,
        f"GRAPH <graph/assessment/town> {{ {panel} cp:currentStage stage:project ;"
        f" cp:country {country} . <id/stage-assessment/panel> a cp:Claim }}",
    )


def test_what_is_new_counts_organisations_and_not_what_was_concluded_of_them(
    store: MemoryStore, settings: Settings
) -> None:
    lake = sent("lake.ttl", organisation("lake"), initiative("pond", "lake"))
    assert all(one.accepted for one in submit([ASSESSED, lake], store, settings, CODER))
    answer = store.query(Query(views()["view-news"].text, ("text/csv",))).read().decode()
    [row] = csv.DictReader(io.StringIO(answer))
    assert row["graphs"] == "2"
    text = load()["submissions"].bind({}, BASE)
    listed = store.query(Query(text, ("text/csv",))).read().decode()
    names = {row["graph"].rpartition("/graph/")[2] for row in csv.DictReader(io.StringIO(listed))}
    assert names == {"organisation/lake", "organisation/town"}


def test_provenance_says_who_sent_what_when(store: MemoryStore, settings: Settings) -> None:
    file = town()
    submit([file], store, settings, CODER)
    digest = sha256(file.content).hexdigest()
    assert asked(
        store,
        "GRAPH <graph/provenance> {"
        " <graph/organisation/town> prov:wasGeneratedBy ?submission ;"
        "   prov:wasAttributedTo <id/agent/coder> ; prov:wasDerivedFrom ?file ."
        " ?submission prov:startedAtTime ?time ; prov:wasAssociatedWith <id/agent/coder> ;"
        "   prov:used ?file ; dcterms:isPartOf ?call ."
        f' ?file dcterms:identifier "sha256:{digest}" ; rdfs:label "town.ttl" ;'
        f'   dcterms:extent "{len(file.content)} bytes" }}',
    )


def test_the_organisation_is_never_said_to_be_the_author_of_what_another_sent(
    store: MemoryStore, settings: Settings
) -> None:
    submit([town()], store, settings, CODER)
    assert not asked(store, "?anything prov:wasAttributedTo <id/organisation/town>")


def test_the_very_bytes_that_were_sent_are_kept(store: MemoryStore, settings: Settings) -> None:
    file = town()
    submit([file], store, settings)
    digest = sha256(file.content).hexdigest()
    [kept] = (settings.data / "submissions").glob(digest)
    assert kept.name == sha256(file.content).hexdigest()
    assert kept.read_bytes() == file.content


def test_the_same_bytes_again_change_nothing(store: MemoryStore, settings: Settings) -> None:
    submit([town()], store, settings)
    [outcome] = submit([town()], store, settings)
    assert (outcome.accepted, outcome.unchanged, outcome.version) == (True, True, None)
    assert store.version() == 1


def test_the_same_bytes_from_somebody_else_are_a_submission_of_its_own(
    store: MemoryStore, settings: Settings
) -> None:
    submit([town()], store, settings)
    [outcome] = submit([town()], store, settings, CODER)
    assert (outcome.unchanged, outcome.version) == (False, 2)


def test_going_back_to_earlier_bytes_is_a_change(store: MemoryStore, settings: Settings) -> None:
    for more in ("", '; cp:place "Here"@en', ""):
        [outcome] = submit([town(more)], store, settings)
        assert not outcome.unchanged
    assert store.version() == 3


def test_a_file_replaces_all_that_its_organisation_sent_before(
    store: MemoryStore, settings: Settings
) -> None:
    submit([ASSESSED], store, settings)
    submit([town()], store, settings)
    assert not asked(store, "?any a cp:StageAssessment")
    assert not asked(store, "?any cp:currentStage ?stage")


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_refused_file_changes_nothing(
    store: MemoryStore, settings: Settings, *, dry_run: bool
) -> None:
    [outcome] = submit([BROKEN], store, settings, options=SubmitOptions(dry_run=dry_run))
    assert isinstance(outcome.error, NotConformant)
    assert [one.shape for one in outcome.report.findings] == [
        "https://w3id.org/coprod/shapes#Initiative-sector"
    ]
    assert store.version() == 0
    assert not settings.data.exists()


def test_a_dry_run_does_all_but_the_commit(store: MemoryStore, settings: Settings) -> None:
    [outcome] = submit([ASSESSED], store, settings, options=SubmitOptions(dry_run=True))
    assert (outcome.accepted, outcome.version, outcome.organisation) == (True, None, "town")
    assert store.version() == 0
    assert not settings.data.exists()


def test_the_accepted_files_of_a_call_enter_together_and_a_refused_one_keeps_none_out(
    store: MemoryStore, settings: Settings
) -> None:
    river = sent("river.ttl", organisation("river"), initiative("boats", "river"))
    outcomes = submit([town(), BROKEN, river], store, settings)
    assert [one.version for one in outcomes] == [1, None, 1]
    assert store.version() == 1


def follower(of: str = "panel") -> SubmittedFile:
    return sent(
        "river.ttl",
        organisation("river"),
        initiative("boats", "river", more=f"; cp:succeeds <id/initiative/{of}>"),
    )


def test_a_reference_to_what_nobody_describes_is_refused(
    store: MemoryStore, settings: Settings
) -> None:
    [outcome] = submit([follower()], store, settings)
    assert [one.shape for one in outcome.report.findings] == [
        "https://w3id.org/coprod/shapes#KnownReference"
    ]
    assert not outcome.accepted


def test_a_reference_may_lead_to_another_file_of_the_call(
    store: MemoryStore, settings: Settings
) -> None:
    assert all(one.accepted for one in submit([follower(), town()], store, settings))
    assert all(one.accepted for one in validate([follower(), town()], settings))


def test_a_reference_may_lead_to_what_is_in_the_store(
    store: MemoryStore, settings: Settings
) -> None:
    submit([town()], store, settings)
    [outcome] = submit([follower()], store, settings)
    assert outcome.accepted


def test_a_reference_into_a_refused_file_is_refused(store: MemoryStore, settings: Settings) -> None:
    outcomes = submit([follower("pond"), BROKEN], store, settings)
    assert [one.accepted for one in outcomes] == [False, False]


def test_a_reference_to_what_the_file_itself_takes_away_is_refused(
    store: MemoryStore, settings: Settings
) -> None:
    submit([ASSESSED], store, settings)
    more = "; cp:succeeds <id/initiative/panel>"
    new = sent("town.ttl", organisation("town"), initiative("board", "town", more=more))
    [outcome] = submit([new], store, settings)
    assert not outcome.accepted


BOTH = organisation("town") + organisation("lake")
TOLD = {
    "the only one described": (sent("a.ttl", organisation("town")), "town"),
    "the only one that runs something": (sent("a.ttl", BOTH, initiative("x", "lake")), "lake"),
    "the one the file is named for": (
        sent("lake.ttl", BOTH, initiative("x", "town", "lake")),
        "lake",
    ),
    "the one stated": (sent("a.ttl", BOTH, initiative("x", "town"), stated="lake"), "lake"),
}
UNTOLD = {
    "several that run something": sent(
        "a.ttl", BOTH, initiative("x", "town", "lake"), initiative("y", "town")
    ),
    "two and no hint": sent("a.ttl", BOTH),
    "a slip in the name stated": sent("a.ttl", organisation("town"), stated="twon"),
    "an odd name": sent("a.ttl", organisation("To%20wn")),
    "none": sent("a.ttl", '<id/agent/x> a prov:Agent ; rdfs:label "X"@en .'),
}


def test_a_file_belongs_to_one_organisation(settings: Settings) -> None:
    outcomes = validate([file for file, _ in TOLD.values()], settings)
    decided = dict(zip(TOLD, (one.organisation for one in outcomes), strict=True))
    assert decided == {case: expected for case, (_, expected) in TOLD.items()}


def test_where_the_organisation_cannot_be_told_it_is_asked_for(settings: Settings) -> None:
    outcomes = validate(list(UNTOLD.values()), settings)
    errors = dict(zip(UNTOLD, (type(one.error) for one in outcomes), strict=True))
    assert errors == dict.fromkeys(UNTOLD, WrongUsage)


def test_two_files_for_one_organisation_are_refused_both(
    store: MemoryStore, settings: Settings
) -> None:
    outcomes = submit([town(), town()], store, settings)
    assert [type(one.error) for one in outcomes] == [WrongUsage, WrongUsage]
    assert store.version() == 0


def test_a_file_over_the_limit_keeps_no_other_out(
    store: MemoryStore, settings: Settings, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.ttl"
    with huge.open("wb") as file:
        file.truncate(100 * 2**20)
    big, small = submit([huge, town()], store, settings)
    assert isinstance(big.error, TooLarge)
    assert small.version == 1


NOT_DATA = (
    "<graph/provenance> a prov:Entity .",
    "stage:project rdfs:label 'x'@en .",
    "<submission/1> prov:wasAssociatedWith <id/agent/x> .",
    "<https://elsewhere.example/x> rdfs:label 'x'@en .",
)


def test_a_file_may_not_speak_of_what_is_not_data(settings: Settings) -> None:
    outcomes = validate([sent("a.ttl", organisation("town"), one) for one in NOT_DATA], settings)
    for outcome in outcomes:
        assert "https://w3id.org/coprod/shapes#OwnSubject" in {
            one.shape for one in outcome.report.findings
        }


def test_a_slip_in_a_term_is_answered_with_the_term_that_was_meant(settings: Settings) -> None:
    [outcome] = validate([town("; cp:startDat 2021")], settings)
    [finding] = outcome.report.findings
    assert "cp:startDate" in (finding.fix or "")


def test_conclusions_can_be_drawn_again_from_what_is_in_the_store(
    store: MemoryStore, settings: Settings
) -> None:
    submit([ASSESSED], store, settings)
    concluded = graph(store, "assessment/town")
    store.commit(Change(replace={f"{BASE}graph/assessment/town": b""}))
    assert graph(store, "assessment/town") == set()
    assert recompute_conclusions(["town"], store, settings).version == 3
    assert graph(store, "assessment/town") == concluded


def test_every_file_of_the_example_data_is_accepted_without_a_warning(
    store: MemoryStore, settings: Settings
) -> None:
    paths = sorted((files("examples") / "cases").glob("*.ttl"))
    outcomes = submit(paths, store, settings, CODER)
    assert [one.file for one in outcomes if one.error] == []
    assert [one.organisation for one in outcomes] == [one.stem for one in paths]
    assert {one.severity.value for file in outcomes for one in file.report.findings} <= {"Info"}
    assert store.version() == 1


def test_the_time_of_a_submission_carries_its_zone(store: MemoryStore, settings: Settings) -> None:
    submit([town()], store, settings)
    query = f"{PREFIXES} SELECT ?time {{ ?any prov:startedAtTime ?time }}"
    times = store.query(Query(query, ("text/csv",))).read().decode().split()[1:]
    assert times
    assert all(datetime.fromisoformat(one).tzinfo for one in times)
