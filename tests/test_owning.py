"""What one organisation describes no other one describes anew, and no file takes another's away."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from coprod_kg.access import Private, Role, Tokens
from coprod_kg.errors import WrongUsage
from coprod_kg.ingest.history import roll_back
from coprod_kg.ingest.report.page import as_page
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import as_table, from_table, reported
from coprod_kg.ingest.submit import Outcome, Sender, SubmitOptions, SubmittedFile, submit
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store
from coprod_kg.store.local import serving
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore
from tests.test_submitting import BASE, asked, graph, initiative, organisation, sent, town
from tests.workbooks.building import Tables, small, xlsx

LAKE = organisation("lake")
POND = initiative("pond", "lake")
CLAIM = """<id/stage-assessment/of-lake> a cp:StageAssessment ;
  rdfs:label "Panel, seen by lake"@en ;
  cp:about <id/initiative/panel> ; cp:stage stage:culture ; cp:basis basis:self-claim ;
  cp:claimedBy <id/organisation/lake> .
"""
TEAM = '<id/agent/team> a prov:Agent ; rdfs:label "Team"@en .\n'
# What lake says of what is not lake's; the property that is told.
NOT_ITS_OWN: dict[str, tuple[str, str]] = {
    "another name": ('<id/initiative/panel> rdfs:label "Lake panel"@en .', "rdf-schema#label"),
    "another sector": ("<id/initiative/panel> cp:sector sector:education .", "ontology#sector"),
    "another runner": (
        "<id/initiative/panel> a cp:Initiative ; cp:runBy <id/organisation/lake> .",
        "ontology#runBy",
    ),
    "all of it": (initiative("panel", "lake"), "ontology#runBy"),
    "an organisation's name": ('<id/organisation/town> rdfs:label "Lake town"@en .', "#label"),
    "an organisation's unit": (
        "<id/organisation/town> <http://www.w3.org/ns/org#unitOf> <id/organisation/lake> .",
        "#unitOf",
    ),
    "a text that stands there in no language": (
        '<id/initiative/panel> dcterms:description "Ours"@en .',
        "terms/description",
    ),
    "an agent of the other": ('<id/agent/team> rdfs:label "Other team"@en .', "#label"),
    "the other's claim": (
        CLAIM.replace("of-lake", "of-town").replace("Panel, seen by lake", "Seen by town"),
        "ontology#stage",
    ),
}
OF_TOWN = CLAIM.replace("of-lake", "of-town").replace("organisation/lake", "organisation/town")
OF_TOWN = OF_TOWN.replace("culture", "project").replace("Panel, seen by lake", "Seen by town")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({"data": tmp_path / "data"}, {})


@pytest.fixture
def store(settings: Settings) -> MemoryStore:
    made = MemoryStore()
    entering = sent("town.ttl", organisation("town"), initiative("panel", "town"), TEAM, OF_TOWN)
    [outcome] = submit([entering], made, settings)
    assert outcome.accepted
    return made


def told(outcomes: Sequence[Outcome], dry_run: bool = False) -> str:
    return " ".join(as_text(reported(outcomes), BASE, dry_run=dry_run).split())


@pytest.mark.parametrize("case", NOT_ITS_OWN)
def test_what_another_organisation_describes_is_not_described_anew(
    case: str, store: MemoryStore, settings: Settings
) -> None:
    said, path = NOT_ITS_OWN[case]
    before = store.version()
    [outcome] = submit([sent("lake.ttl", LAKE, POND, said, stated="lake")], store, settings)
    assert (outcome.accepted, store.version()) == (False, before)
    found = [one for one in outcome.report.findings if one.shape.endswith("#OwnDescription")]
    assert [one for one in found if path in str(one.path) and one.value]
    assert "town describes this" in told([outcome])


def test_a_claim_about_anything_and_a_word_for_word_repetition_are_welcome(
    store: MemoryStore, settings: Settings
) -> None:
    repeated = organisation("town") + initiative("panel", "town") + TEAM
    lake = sent("lake.ttl", LAKE, POND, repeated, CLAIM, stated="lake")
    [outcome] = submit([lake], store, settings)
    assert outcome.accepted, told([outcome])


def test_who_runs_it_too_may_describe_it_and_a_unit_is_ones_own(
    store: MemoryStore, settings: Settings
) -> None:
    joint = initiative("joint", "town", "lake")
    first = sent("town.ttl", organisation("town"), LAKE, joint, stated="town")
    assert submit([first], store, settings)[0].accepted
    unit = '<id/organisation/pier> a org:OrganizationalUnit ; rdfs:label "Pier"@en ; '
    unit += "<http://www.w3.org/ns/org#unitOf> <id/organisation/lake> .\n"
    more = '<id/initiative/joint> dcterms:description "More"@en .\n'
    named = '<id/organisation/lake> <http://www.w3.org/2004/02/skos/core#altLabel> "The lake"@en .'
    lake = sent("lake.ttl", LAKE, unit, joint, more, initiative("boat", "pier"), named)
    [outcome] = submit([SubmittedFile("lake.ttl", lake.content, None, "lake")], store, settings)
    assert outcome.accepted, told([outcome])


def test_an_organisation_may_always_describe_itself(store: MemoryStore, settings: Settings) -> None:
    named = sent("town.ttl", organisation("town"), LAKE, initiative("panel", "town", "lake"))
    assert submit([named], store, settings)[0].accepted
    own = LAKE.replace('"lake"@en', '"Lake Council"@en')
    [outcome] = submit([sent("lake.ttl", own, POND)], store, settings)
    assert outcome.accepted, told([outcome])
    again = SubmittedFile("town.ttl", named.content + b"#", None, "town")
    [outcome] = submit([again], store, settings)
    assert not outcome.accepted
    assert '"lake"@en' in told([outcome])


def test_two_files_of_one_call_are_held_to_the_same(settings: Settings) -> None:
    first = sent("town.ttl", organisation("town"), initiative("panel", "town"))
    renamed = initiative("panel", "town").replace('"panel"@en', '"Lake panel"@en')
    other = sent("lake.ttl", LAKE, POND, organisation("town"), renamed, stated="lake")
    outcomes = submit([first, other], MemoryStore(), settings)
    assert [one.accepted for one in outcomes] == [True, False]
    assert "town describes this" in told(outcomes)


def test_a_contributor_describes_only_what_its_organisation_runs(settings: Settings) -> None:
    store = MemoryStore()
    client = create_app(store, settings).test_client()
    both = sent("lake.ttl", LAKE, POND, organisation("town"), initiative("panel", "town"))
    for role, status in ((Role.CONTRIBUTOR, 422), (Role.CURATOR, 201)):
        answer = post(client, settings, both.content, role)
        assert answer == status
    assert asked(store, "GRAPH <graph/organisation/lake> { <id/initiative/panel> ?p ?o }")


def post(client: FlaskClient, settings: Settings, content: bytes, role: Role) -> int:
    whose = "lake" if role is Role.CONTRIBUTOR else None
    token = Tokens(settings.data).create(f"a-{role}", role, whose)
    answer = client.post(
        "/submissions?organisation=lake",
        data=content,
        headers={"Content-Type": "text/turtle", "Authorization": f"Bearer {token}"},
    )
    if answer.status_code == 422:
        [finding] = [
            one
            for one in answer.get_json()["files"][0]["findings"]
            if one["shape"].endswith("#OwnDescription")
        ]
        assert finding["focus"] == f"{BASE}id/initiative/panel"
        assert "It is run by town and not by lake" in finding["message"]
    return answer.status_code


def test_what_goes_comes_changes_and_is_renamed_is_told_by_name(
    store: MemoryStore, settings: Settings
) -> None:
    new = sent(
        "town.ttl",
        organisation("town"),
        initiative("board", "town"),
        TEAM.replace("agent/team", "agent/the-team"),
    )
    outcomes = submit([new], store, settings, options=SubmitOptions(dry_run=True))
    text = told(outcomes, dry_run=True)
    assert "New (1): board (initiative)" in text
    assert "Gone, for the file no longer has them (2): panel (initiative), Seen by town" in text
    assert "Other identifiers (1): Team (agent/team → agent/the-team)" in text
    table = as_table(outcomes)
    assert [one["name"] for one in table["files"][0]["changes"]["removed"]] == [
        "panel",
        "Seen by town",
    ]
    assert from_table(table) == reported(outcomes)
    assert "Gone, for the file no longer has them" in as_page(from_table(table), BASE)
    [same] = submit([town("; cp:place 'Here'@en")], store, settings)
    assert [one.name for one in same.changes.changed] == ["panel"]


def ours(runner: str = "Sampleby") -> Tables:
    """A workbook whose identifiers are made from its names."""
    tables = small()
    for sheet in ("Organisations", "Initiatives"):
        for row in tables[sheet][1:]:
            row[0] = None
    tables["Initiatives"][1][2] = runner
    return tables


def with_partner(tables: Tables) -> Tables:
    tables["Organisations"].append([None, "Aqua Partner", "Denmark", None])
    tables["Initiatives"].append([None, "Swimming", "Aqua Partner", "Health", 2020, None])
    return tables


def test_a_partner_in_next_years_workbook_renames_nothing_in_silence(settings: Settings) -> None:
    store = MemoryStore()
    [first] = submit([SubmittedFile("a.xlsx", xlsx(ours()))], store, settings)
    assert first.accepted, told([first])
    held = graph(store, f"organisation/{first.organisation}")
    second = SubmittedFile("a.xlsx", xlsx(with_partner(ours())))
    outcomes = submit([second], store, settings)
    assert {type(one.error) for one in outcomes if "Aqua" not in str(one.error)} & {WrongUsage}
    assert "would get new identifiers" in told(outcomes)
    assert graph(store, f"organisation/{first.organisation}") == held
    stated = SubmittedFile("a.xlsx", second.content, None, first.organisation)
    outcomes = submit([stated], store, settings)
    assert outcomes[0].accepted, told(outcomes)
    assert held <= graph(store, f"organisation/{first.organisation}")


def test_a_workbook_of_several_takes_nothing_away_and_says_what_stays(settings: Settings) -> None:
    store = MemoryStore()
    partner = sent(
        "aqua-partner.ttl",
        organisation("aqua-partner").replace('"aqua-partner"@en', '"Aqua Partner"@en'),
        initiative("diving", "aqua-partner"),
    )
    assert submit([partner], store, settings)[0].accepted
    outcomes = submit([SubmittedFile("a.xlsx", xlsx(with_partner(ours())))], store, settings)
    assert [one.accepted for one in outcomes] == [True, True], told(outcomes)
    assert asked(store, "GRAPH <graph/organisation/aqua-partner> { <id/initiative/diving> a ?c }")
    assert asked(
        store,
        "GRAPH <graph/organisation/aqua-partner> { <id/initiative/aqua-partner-swimming> a ?c }",
    )
    assert "They stay, though the file does not have them (1): diving (initiative)" in told(
        outcomes
    )


def test_a_workbook_with_a_joint_initiative_does_not_replace_the_other_runners_data(
    settings: Settings,
) -> None:
    store = MemoryStore()
    [first] = submit([SubmittedFile("a.xlsx", xlsx(ours()))], store, settings)
    assert first.organisation
    joint = ours()
    joint["Organisations"].append([None, "Zoo", "Denmark", None])
    joint["Initiatives"] = [joint["Initiatives"][0], [None, "Feeding", "Zoo; Sampleby", "Health"]]
    for sheet in list(joint):
        if sheet not in ("Organisations", "Initiatives"):
            del joint[sheet]
    held = graph(store, f"organisation/{first.organisation}")
    outcomes = submit([SubmittedFile("b.xlsx", xlsx(joint))], store, settings)
    now = graph(store, f"organisation/{first.organisation}")
    gone = [one for one in held - now if "/initiative/" in one]
    assert not gone, told(outcomes)


def test_a_page_calls_a_thing_what_its_owner_calls_it(settings: Settings) -> None:
    store = MemoryStore()
    named = sent("town.ttl", organisation("town"), LAKE, initiative("panel", "town", "lake"))
    own = sent("lake.ttl", LAKE.replace('"lake"@en', '"the lake council"@en'), POND)
    for file in (named, own):
        assert submit([file], store, settings)[0].accepted
    page = (
        create_app(store, settings)
        .test_client()
        .get("/id/organisation/lake", headers={"Accept": "text/html"}, follow_redirects=True)
    )
    assert "<h1>the lake council</h1>" in page.text


NAMES = "SELECT ?name { <id/organisation/lake> <http://www.w3.org/2000/01/rdf-schema#label> ?name }"
OWN_LAKE = LAKE.replace('"lake"@en', '"Lake Council"@en')


def names(store: Store) -> list[str]:
    """What lake is called in the merge of all graphs, where every list and chart looks."""
    rows = store.query(Query(f"BASE <{BASE}> {NAMES}", ("text/csv",))).read().decode()
    return rows.splitlines()[1:]


def test_a_partner_is_called_what_it_calls_itself_from_its_first_file_on(
    settings: Settings,
) -> None:
    with serving(settings) as service:
        store = service.store
        guest = initiative("panel", "town", "lake")
        first = sent("town.ttl", organisation("town"), LAKE, guest, stated="town")
        [outcome] = submit([first], store, settings)
        assert outcome.submission
        assert names(store) == ["lake"]
        own = sent("lake.ttl", OWN_LAKE, POND, stated="lake")
        tried = submit([own], store, settings, options=SubmitOptions(dry_run=True))
        assert "In the data of others this has another name" in told(tried, dry_run=True)
        assert names(store) == ["lake"]
        [outcome] = submit([own], store, settings)
        assert "In the data of others this has another name" in told([outcome])
        assert names(store) == ["Lake Council"]
        # another name next year, and back
        later = sent("lake.ttl", OWN_LAKE.replace("Council", "City"), POND, stated="lake")
        [outcome] = submit([later], store, settings)
        assert names(store) == ["Lake City"]
        assert outcome.submission
        roll_back(outcome.submission, store, settings, Sender())
        assert names(store) == ["Lake Council"]
        # what the guest goes back to has the owner's name, too
        more = sent("town.ttl", organisation("town"), OWN_LAKE, guest, TEAM, stated="town")
        [outcome] = submit([more], store, settings)
        assert outcome.submission, told([outcome])
        submit([later], store, settings)
        roll_back(outcome.submission, store, settings, Sender())
        assert names(store) == ["Lake City"]
        assert asked(store, "GRAPH <graph/organisation/town> { <id/organisation/lake> ?p ?o }")


def test_the_name_of_a_private_owner_stays_out_of_public_data(settings: Settings) -> None:
    store = MemoryStore()
    guest = initiative("panel", "town", "lake")
    submit([sent("town.ttl", organisation("town"), LAKE, guest, stated="town")], store, settings)
    Private(settings.data).mark("lake")
    [outcome] = submit([sent("lake.ttl", OWN_LAKE, POND, stated="lake")], store, settings)
    assert outcome.accepted
    town = "GRAPH <graph/organisation/town> { <id/organisation/lake> rdfs:label"
    assert asked(store, f'{town} "lake"@en }}')


def test_runners_that_disagree_keep_their_words(settings: Settings) -> None:
    store = MemoryStore()
    joint = initiative("joint", "town", "lake")
    submit([sent("town.ttl", organisation("town"), LAKE, joint, stated="town")], store, settings)
    named = joint.replace('"joint"@en', '"Joint work"@en')
    [outcome] = submit(
        [sent("lake.ttl", LAKE, organisation("town"), named, stated="lake")], store, settings
    )
    assert outcome.accepted, told([outcome])
    town = "GRAPH <graph/organisation/town> { <id/initiative/joint> rdfs:label"
    assert asked(store, f'{town} "joint"@en }}')
