"""The explorer over the tiny world: every number is what its question lists, missing is told."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from coprod_kg.formats.table import Cell
from coprod_kg.model.translations import amount, day
from coprod_kg.settings import Settings
from coprod_kg.web import create_app
from coprod_kg.web.explorer.timeline import timeline
from coprod_kg.web.name_index import Entry, Indexes, SearchIndex
from tests.memory_store import MemoryStore
from tests.web.conftest import BASE, tiny_world
from tests.web.test_pages import BROWSER, page

VIEWS = (
    "/",
    "/search",
    "/search?q=alpha",
    "/organisations/north-city",
    "/organisations/lake-council",
    "/organisations/river-ward",
    "/initiatives/alpha",
    "/initiatives/delta",
    "/initiatives/eta",
    "/initiatives/zeta",
    "/board",
    "/board?country=DNK&sector=health&sector=education",
    "/board?year=2019",
    "/board?organisation=north-city&role=service-user",
    "/barriers",
    "/barriers?show=share",
    "/barriers/inter-org-complexity",
    "/barriers/lack-of-funding",
    "/barriers/ringfencing",
    "/enablers",
    "/enablers/coordinator-role",
    "/pathways",
    "/compare",
    "/compare?country=DNK&country=GBR",
    "/compare?organisation=north-city&organisation=river-hospital",
    "/about",
)


class Figures(HTMLParser):
    """The numbers of a page that are links: their address and their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], str]] = []
        self._open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "a" and "figure" in given.get("class", "").split():
            self.found.append((given["href"], given, ""))
            self._open = True
        elif tag != "a" and self._open:
            self._open = tag != "span"

    def handle_endtag(self, tag: str) -> None:
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            link, given, text = self.found[-1]
            self.found[-1] = (link, given, text + data)


def listed(client: FlaskClient, link: str, summed: str) -> int:
    """How many different things the first column of a question's answer has, or a column's sum."""
    name, _, values = link.removeprefix("/queries/").partition("?")
    answer = client.get(f"/queries/{name}.json?{values}").get_json()
    rows, first = answer["results"]["bindings"], answer["head"]["vars"][0]
    if summed:
        return sum(int(row[summed]["value"]) for row in rows)
    return len({row[first]["value"] for row in rows if first in row})


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_well_formed_and_every_link_of_it_leads_somewhere(
    client: FlaskClient, view: str
) -> None:
    read = page(client, view)
    for link in {link for link, _ in read.links if link.startswith("/")}:
        with client.get(link, headers=BROWSER) as response:
            assert response.status_code in (200, 303), link


@pytest.mark.parametrize("view", VIEWS)
def test_every_number_is_what_its_question_lists(client: FlaskClient, view: str) -> None:
    text = client.get(view, headers=BROWSER).text
    for link, given, shown in Figures(text).found:
        number = int(given.get("data-number") or shown)
        assert listed(client, link, given.get("data-sum", "")) == number, (link, shown)


def test_the_views_have_numbers(client: FlaskClient) -> None:
    for view in ("/", "/organisations/north-city", "/board", "/barriers", "/compare?country=DNK"):
        assert Figures(client.get(view, headers=BROWSER).text).found, view


def test_a_number_of_an_older_version_leads_to_that_version(client: FlaskClient) -> None:
    version = client.get("/", headers=BROWSER).headers["Dataset-Version"]
    text = client.get(f"/board?version={version}", headers=BROWSER).text
    links = [link for link, _, _ in Figures(text).found]
    assert links
    assert all(f"version={version}" in link for link in links)


def test_the_first_page_tells_claimed_and_supported_apart(client: FlaskClient) -> None:
    rows = client.get("/queries/claimed-and-supported.json").get_json()["results"]["bindings"]
    text = client.get("/", headers=BROWSER).text
    for row in rows:
        slug = row["stage"]["value"].rpartition("/")[2]
        link = f"/queries/initiatives?stage={slug}"
        found = {link: int(shown) for link, _, shown in Figures(text).found}
        if int(row["claimed"]["value"]):
            assert found[link] == int(row["claimed"]["value"])
            assert found[f"{link}&supported={slug}"] == int(row["supported"]["value"])


HATCHED = "The hatched part of a bar is what the record supports."


def test_the_hatched_bars_are_explained_where_there_are_any(
    client: FlaskClient, checkout: Path
) -> None:
    assert HATCHED in client.get("/", headers=BROWSER).text
    store = MemoryStore()
    for path in sorted((checkout / "ontology").rglob("*.ttl")):
        store.load(f"{BASE}graph/ontology", path.read_bytes())
    tiny = (checkout / "tests" / "tiny.ttl").read_text(encoding="utf-8")
    unsupported = re.sub(r"cp:supportedStage [^;.]+[;.]?", "a cp:Initiative ;", tiny)
    store.load(f"{BASE}graph/organisation/tiny", unsupported.encode())
    told = create_app(store, Settings()).test_client()
    rows = told.get("/queries/claimed-and-supported.json").get_json()["results"]["bindings"]
    assert {row["supported"]["value"] for row in rows} == {"0"}
    assert HATCHED not in told.get("/", headers=BROWSER).text


def test_one_without_a_stage_now_is_not_said_to_be_unknown(client: FlaskClient) -> None:
    """Some have ended, and of others nobody has said anything: both have no claim now."""
    text = client.get("/", headers=BROWSER).text
    assert '<th scope="row">No stage claimed now</th>' in text
    assert "The others have ended, or it is not known of them." in text
    for view in ("/", "/board", "/organisations/north-city", "/compare?country=DNK"):
        assert "no stage known" not in client.get(view, headers=BROWSER).text.lower()


def test_an_empty_store_says_how_data_come_in() -> None:
    client = create_app(MemoryStore(), Settings()).test_client()
    text = client.get("/", headers=BROWSER).text
    assert "Nothing is here yet" in text
    assert 'href="/template.xlsx"' in text
    assert 'href="/submissions"' in text
    for view in ("/board", "/barriers", "/enablers", "/pathways", "/compare", "/about", "/search"):
        assert client.get(view, headers=BROWSER).status_code == 200, view


def test_the_empty_workbook_is_a_workbook_in_each_language(client: FlaskClient) -> None:
    bodies = {client.get(f"{start}/template.xlsx").data for start in ("", "/da", "/de")}
    assert len(bodies) == 3
    assert all(body.startswith(b"PK") for body in bodies)


@pytest.mark.parametrize(
    ("asked", "link"),
    [
        ("alfa", "/initiatives/alpha"),
        ("ALPHA", "/initiatives/alpha"),
        ("north citty", "/organisations/north-city"),
        ("Sverige", "/board?country=SWE"),
        ("mangel på finansiering", "/barriers/lack-of-funding"),
        ("tidsmangel", "/barriers/lack-of-time"),
        ("finansieringsmangel", "/barriers/lack-of-funding"),
        ("koordinator", "/enablers/coordinator-role"),
        ("who overcame", "/queries/barriers-overcome"),
        ("hvem overvandt", "/queries/barriers-overcome"),
    ],
)
def test_a_search_finds_it(client: FlaskClient, asked: str, link: str) -> None:
    found = client.get("/search", query_string={"q": asked}, headers=BROWSER).text
    assert f'href="{link}"' in found, re.findall(r'<li><a href="([^"]+)"', found)


def test_a_compound_and_its_parts_find_each_other() -> None:
    names = {"a": "Mangel på ressourcer", "b": "Personaleudvikling", "c": "Mangel på tid"}
    entries = [Entry(iri, "barrier", name, "da", 1.0) for iri, name in names.items()]
    index = SearchIndex(entries)

    def found(text: str) -> list[str]:
        return [match.entry.iri for match in index.find(text)]

    assert found("ressourcemangel")[0] == "a"
    assert found("tidsmangel")[0] == "c"
    assert found("udvikling af personale") == ["b"]
    assert found("tidsfrist") == []
    assert not any(match.whole for match in index.find("tidsmangel"))


def test_suggestions_are_what_the_search_finds_first(client: FlaskClient) -> None:
    found = client.get("/de/suggest?q=north").get_json()
    assert found[0]["link"] == "http://localhost/de/organisations/north-city"
    assert found[0]["kind"] == "Organisation"
    assert len(client.get("/suggest?q=a").get_json()) <= 8
    policies = [client.get(view).headers["Content-Security-Policy"] for view in ("/", "/board")]
    assert "script-src 'self'; connect-src 'self'" in policies[0]
    assert "script-src" not in policies[1]


def test_a_search_that_finds_nothing_says_so(client: FlaskClient) -> None:
    text = client.get("/search?q=zzzzqq", headers=BROWSER).text
    assert "Nothing here is called “zzzzqq”" in text
    for way in ("/self-assessment", "/template.xlsx", "/submissions", "/board"):
        assert f'href="{way}"' in text.partition("zzzzqq”")[2], way


def test_the_first_page_says_why_its_stages_add_up_to_more(client: FlaskClient) -> None:
    text = section(client.get("/", headers=BROWSER).text, "stages")
    assert "counts at each" in text
    assert 'href="/queries/initiatives-without-stage"' in text


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("data@example.org", 'href="mailto:data@example.org">data@example.org<'),
        ("https://example.org/help", 'href="https://example.org/help"'),
        ("", "This service has published no address"),
    ],
)
def test_the_page_about_it_names_whom_to_ask(checkout: Path, contact: str, link: str) -> None:
    about = create_app(MemoryStore(), Settings(contact=contact)).test_client().get("/about")
    assert link in about.text


@pytest.mark.parametrize(
    "address",
    [
        "/organisations/nowhere",
        "/initiatives/nowhere",
        "/barriers/nowhere",
        "/enablers/nowhere",
        "/initiatives/a%20b",
    ],
)
def test_an_unknown_name_is_not_found(client: FlaskClient, address: str) -> None:
    response = client.get(address, headers=BROWSER)
    assert response.status_code in (400, 404), response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    "chosen", ["country=DNK", "stage=project&stage=programme", "year=2019", "role=service-user"]
)
def test_a_restricted_board_says_how_many_of_how_many_fit(client: FlaskClient, chosen: str) -> None:
    rows = client.get(f"/queries/initiatives.json?{chosen}").get_json()["results"]["bindings"]
    everything = client.get("/queries/initiatives.json").get_json()["results"]["bindings"]
    fitting, total = (
        len({row["initiative"]["value"] for row in table}) for table in (rows, everything)
    )
    assert 0 < fitting < total
    text = client.get(f"/board?{chosen}", headers=BROWSER).text
    lead = re.search(r'<p class="lead sentence">(.*?)</p>', text)
    assert lead
    words = re.sub(r"<[^>]+>", "", lead[1])
    assert words.startswith(f"{fitting} of {total} initiatives fit."), words
    figures = {link: int(shown) for link, _, shown in Figures(text).found}
    assert figures[f"/queries/initiatives?{chosen}"] == fitting


def test_the_page_of_an_enabler_names_what_it_helped_to_overcome(client: FlaskClient) -> None:
    table = client.get("/queries/barriers-overcome.json").get_json()["results"]["bindings"]
    slugs = {row["enabler"]["value"].rpartition("/")[2] for row in table if "enabler" in row}
    assert slugs
    for slug in slugs:
        asked = client.get(f"/queries/barriers-overcome.json?enabler={slug}").get_json()
        assert asked["results"]["bindings"] == [
            row for row in table if row.get("enabler", {}).get("value", "").endswith(f"/{slug}")
        ]
        text = client.get(f"/enablers/{slug}", headers=BROWSER).text
        for row in asked["results"]["bindings"]:
            assert f'href="/barriers/{row["barrier"]["value"].rpartition("/")[2]}"' in text
        assert f'href="/queries/barriers-overcome?enabler={slug}"' in text


def test_organisations_that_are_too_many_for_a_list_are_found_by_name() -> None:
    store = MemoryStore()
    lines = "".join(
        f"<{BASE}id/organisation/town-{number}> "
        f'<http://www.w3.org/2000/01/rdf-schema#label> "Town number {number}"@en .\n'
        f"<{BASE}id/initiative/work-{number}> a <https://w3id.org/coprod/ontology#Initiative> ;"
        f" <https://w3id.org/coprod/ontology#runBy> <{BASE}id/organisation/town-{number}> .\n"
        for number in range(1000, 1301)
    )
    store.load(f"{BASE}graph/organisation/towns", lines.encode())
    client = create_app(store, Settings()).test_client()
    start = client.get("/compare", headers=BROWSER)
    assert 'name="q"' in start.text
    assert 'name="organisation"' not in start.text
    assert "script-src 'self'" in start.headers["Content-Security-Policy"]
    found = client.get("/compare?organisation=town-1007&q=Town+1200", headers=BROWSER).text
    offered = re.findall(r'type="checkbox" name="organisation" value="([^"]+)"( checked)?', found)
    assert ("town-1007", " checked") in offered
    assert ("town-1200", "") in offered
    assert len(offered) <= 21
    assert "No organisation here is called" in client.get("/compare?q=xqxq", headers=BROWSER).text
    suggested = client.get("/suggest?kind=organisation&organisation=town-1007&q=Town+1200")
    link = suggested.get_json()[0]["link"]
    assert link.endswith("/compare?organisation=town-1007&organisation=town-1200")
    sides = client.get(link, headers=BROWSER).text
    assert "Town number 1007</a>" in sides
    assert "Town number 1200</a>" in sides
    assert "Town number 1007 has 1 initiative on record" in sides
    many = "&".join(f"organisation=town-{number}" for number in range(1000, 1006))
    assert "2 are left out" in client.get(f"/compare?{many}", headers=BROWSER).text
    one_more = many.rpartition("&")[0]
    assert "1 is left out" in client.get(f"/compare?{one_more}", headers=BROWSER).text


def test_what_cannot_be_compared_is_refused(client: FlaskClient) -> None:
    response = client.get("/compare?country=DNK&sector=health", headers=BROWSER)
    assert response.status_code == 400
    assert "cannot be compared with each other" in response.text


def test_a_view_held_already_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get("/board", headers=BROWSER).headers["ETag"]
    again = client.get("/board", headers={**BROWSER, "If-None-Match": tag})
    assert again.status_code == 304


def world(checkout: Path, more: str) -> FlaskClient:
    """The tiny world with what one more organisation says."""
    store = tiny_world(checkout)
    prefixes = "\n".join(
        line
        for line in (checkout / "tests" / "tiny.ttl").read_text().splitlines()
        if line.startswith(("PREFIX", "BASE"))
    )
    store.load(f"{BASE}graph/organisation/more", f"{prefixes}\n{more}".encode())
    return create_app(store, Settings()).test_client()


@pytest.fixture(scope="module")
def missing(checkout: Path) -> FlaskClient:
    """A world in which a stage has initiatives and nobody reports a barrier there."""
    return world(
        checkout,
        """<id/organisation/koege-kommune> a org:Organization ; rdfs:label "Køge Kommune"@da .
        <id/initiative/genbrug> a cp:Initiative ; rdfs:label "Genbrug for alle"@da ;
            cp:runBy <id/organisation/koege-kommune> ; cp:currentStage stage:culture .
        <id/stage-assessment/genbrug> a cp:StageAssessment ; cp:about <id/initiative/genbrug> ;
            cp:stage stage:culture ; cp:claimedBy <id/agent/coder> ; cp:basis basis:self-claim .""",
    )


def test_missing_is_never_zero(missing: FlaskClient) -> None:
    """A stage with initiatives and no report is [x], one without initiatives [z], never 0."""
    text = missing.get("/barriers", headers=BROWSER).text
    heads = re.findall(r'<th scope="col" class="number">([^<]+)</th>', text)
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', text, re.DOTALL)
    first = re.findall(r"<td.*?</td>", rows[0], re.DOTALL)
    told = dict(zip(heads, first, strict=False))
    assert "[x]" in told["Mainstreamed culture"]
    assert "[z]" in told["Ad hoc facilitation, collective"]
    assert '<p class="key">' in text
    ours = missing.get("/organisations/koege-kommune", headers=BROWSER).text
    assert "No barrier is on record, which does not say that there was none." in ours
    learning = ours.partition('id="learning"')[2].partition("</section>")[0]
    assert learning.count("[x]") >= 2


def section(text: str, name: str) -> str:
    """The section of a page that has this heading."""
    return text.partition(f'<h2 id="{name}">')[2].partition("</section>")[0]


def test_one_that_ended_says_so_and_is_held_to_its_last_stage(client: FlaskClient) -> None:
    delta = client.get("/initiatives/delta", headers=BROWSER).text
    assert "It has ended. Its stage at the end:" in section(delta, "claimed")
    assert "No stage is claimed for it now." not in delta
    assert "Pilot project <small>claimed when it ended</small>" in section(delta, "why")
    assert '<ul class="criteria">' in section(delta, "why")


def test_a_stage_that_is_over_is_not_said_to_last(checkout: Path) -> None:
    told = world(
        checkout,
        """<id/organisation/brescia> a org:Organization ; rdfs:label "Brescia"@en .
        <id/initiative/carers> a cp:Initiative ; rdfs:label "Carers"@en ;
            cp:runBy <id/organisation/brescia> ; cp:endedAtStage stage:pilot-project .
        <id/stage-assessment/carers> a cp:StageAssessment ; cp:about <id/initiative/carers> ;
            cp:stage stage:pilot-project ; cp:claimedBy <id/agent/coder> ;
            cp:basis basis:self-claim ; cp:validFrom "2018"^^xsd:gYear .""",
    )
    claimed = section(told.get("/initiatives/carers", headers=BROWSER).text, "claimed")
    assert "from 2018" in claimed
    assert "since 2018" not in claimed


def test_what_was_never_claimed_lacks_nothing_but_says_why(client: FlaskClient) -> None:
    eta = client.get("/initiatives/eta", headers=BROWSER).text
    assert "No stage was ever claimed for it" in section(eta, "why")
    assert 'href="/self-assessment"' in section(eta, "why")
    city = section(client.get("/organisations/north-city", headers=BROWSER).text, "next")
    eta_there = city.partition('href="/initiatives/eta"')[2].partition("<h3>")[0]
    assert "No stage was ever claimed for it" in eta_there
    assert "Nothing that is required is missing." not in eta_there


def test_a_claim_that_is_over_is_shown_though_no_end_is_on_record(checkout: Path) -> None:
    told = world(
        checkout,
        """<id/organisation/asker> a org:Organization ; rdfs:label "Asker"@en .
        <id/initiative/borgen> a cp:Initiative ; rdfs:label "Borgen"@en ;
            cp:runBy <id/organisation/asker> .
        <id/stage-assessment/borgen> a cp:StageAssessment ; cp:about <id/initiative/borgen> ;
            cp:stage stage:pilot-project ; cp:claimedBy <id/agent/coder> ;
            cp:basis basis:self-claim ; cp:validFrom "2014"^^xsd:gYear ;
            cp:validUntil "2016"^^xsd:gYear .""",
    )
    borgen = told.get("/initiatives/borgen", headers=BROWSER).text
    assert "Claimed last:" in section(borgen, "claimed")
    assert "from 2014 until 2016" in section(borgen, "claimed")
    assert "Pilot project <small>claimed last</small>" in section(borgen, "why")


def test_a_danish_name_is_shown_with_its_language(missing: FlaskClient) -> None:
    found = missing.get("/search?q=koge", headers=BROWSER).text
    assert 'lang="da">Køge Kommune</a>' in found
    ours = missing.get("/organisations/koege-kommune", headers=BROWSER).text
    assert '<span lang="da">Køge Kommune</span>' in ours
    assert "koege-kommune<" not in ours


def test_what_the_answer_names_by_its_label_alone_is_translated_too(missing: FlaskClient) -> None:
    """Status and step of a report are labels without an IRI; "No stage claimed now" is our word."""
    name = "/queries/initiatives-facing-barrier"
    found = missing.get(f"{name}.json?lang=da").get_json()["results"]["bindings"]
    assert {row["status"]["value"] for row in found if "status" in row} == {
        "Accepteret",
        "Aktiv",
        "Overvundet",
    }
    assert {row["status"]["xml:lang"] for row in found if "status" in row} == {"da"}
    stages = missing.get("/queries/initiatives-by-stage.csv?lang=de").text
    assert "Zurzeit keine Stufe angegeben" in stages
    assert "No stage claimed now" not in stages
    page = missing.get("/da/barriers/lack-of-funding", headers=BROWSER).text
    assert re.search(r"<td[^>]*>(Aktiv|Overvundet|Accepteret)</td>", page)
    assert not re.search(r"<td[^>]*>(Active|Overcome|Staff|Manager)</td>", page)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("da", ("Trin", "Initiativer", "Ved sekundær kodning", "Spørg", "Hvad kolonnerne betyder")),
        ("de", ("Stufe", "Initiativen", "Durch Sekundärcodierung", "Was die Spalten bedeuten")),
    ],
)
def test_the_page_of_a_question_speaks_the_language_asked_for(
    missing: FlaskClient, language: str, words: tuple[str, ...]
) -> None:
    text = missing.get(f"/queries/initiatives-by-stage?lang={language}", headers=BROWSER).text
    assert f'<html lang="{language}">' in text
    assert all(word in text for word in words)
    assert f"/queries/initiatives-by-stage.svg?lang={language}" in text
    shown = re.sub(r"<pre.*?</pre>|<input[^>]*>", "", text, flags=re.DOTALL)  # without the SPARQL
    for english in ("By secondary coding", "Ask<", "The same answer as", "What the columns mean"):
        assert english not in shown, english
    listed = missing.get(f"/queries?lang={language}", headers=BROWSER).text
    assert f'href="/queries/initiatives-by-stage?lang={language}"' in listed
    assert "How many initiatives" not in listed


def test_a_chart_speaks_the_language_asked_for(missing: FlaskClient) -> None:
    spec = missing.get("/queries/initiatives-by-stage.vega?lang=da").get_json(force=True)
    assert spec["title"]["text"] == ["Hvor mange initiativer står på hvert trin nu?"]
    assert spec["description"].startswith("Diagram. Hvor mange initiativer")
    told = str(spec)
    assert "Trin nu" in told
    assert "Intet trin angivet nu" in told
    assert "Stage now" not in told


def test_a_saved_query_says_its_labels_in_the_language_asked_for(missing: FlaskClient) -> None:
    """From the schemes and the names on record; what has no name in it keeps one in another."""
    name = "/queries/initiatives"
    found = missing.get(f"{name}.json?lang=da").get_json()["results"]["bindings"]
    labels = {row["initiative"]["value"].rpartition("/")[2]: row for row in found}
    assert labels["genbrug"]["initiativeLabel"]["value"] == "Genbrug for alle"
    assert labels["genbrug"]["initiativeLabel"]["xml:lang"] == "da"
    assert {row["initiativeLabel"]["xml:lang"] for row in found} == {"da", "en"}
    stages = {row["atStageLabel"]["value"] for row in found if "atStage" in row}
    assert "Projekt" in stages
    assert "Genbrug for alle" in missing.get(f"{name}.csv?lang=de").text
    assert "Genbrug for alle" not in missing.get(f"{name}.csv").text
    assert 'selected lang="de"' in missing.get(f"{name}?lang=de", headers=BROWSER).text
    assert "lang=da" in missing.get(f"{name}/cite?lang=da").text
    assert missing.get(f"{name}.json?lang=xx").status_code == 400


def test_numbers_and_dates_are_written_as_readers_write_them(client: FlaskClient) -> None:
    assert amount(1234567, "de") == "1.234.567"
    assert [day("2026-11-08", code) for code in ("en", "da", "de")] == [
        "8 November 2026",
        "8. november 2026",
        "8. November 2026",
    ]
    assert [day(text, "en") for text in ("2026-03", "2026", "")] == ["March 2026", "2026", ""]
    text = client.get("/da/about", headers=BROWSER).text
    for written, shown in re.findall(r'<time datetime="([^"]+)">([^<]+)</time>', text):
        assert shown == day(written, "da")


def test_an_initiative_tells_in_the_words_of_assess_why_it_stands_there(
    client: FlaskClient,
) -> None:
    text = client.get("/initiatives/zeta", headers=BROWSER).text
    assert "on record" in text
    assert "not on record" in text
    assert "Meant for:" in text
    assert "The need is everywhere." in text


TWICE = """<id/barrier-report/once> a cp:BarrierReport ; cp:about <id/initiative/genbrug> ;
        cp:barrier barrier:lack-of-funding ; cp:claimedBy <id/agent/coder> ;
        cp:basis basis:self-claim .
    <id/barrier-report/again> a cp:BarrierReport ; cp:about <id/initiative/genbrug> ;
        cp:barrier barrier:lack-of-funding ; cp:claimedBy <id/agent/coder> ;
        cp:basis basis:secondary-coding .
    <id/organisation/koege-kommune> a org:Organization ; rdfs:label "Køge Kommune"@da .
    <id/initiative/genbrug> a cp:Initiative ; rdfs:label "Genbrug for alle"@da ;
        cp:runBy <id/organisation/koege-kommune> .
    <id/agent/coder> a prov:Agent ; rdfs:label "The coder"@en ."""


def test_a_barrier_that_is_reported_twice_is_told_once(checkout: Path) -> None:
    text = world(checkout, TWICE).get("/initiatives/genbrug", headers=BROWSER).text
    told = text.partition('id="barriers"')[2].partition("</section>")[0]
    assert told.count("<h3>") == 1
    assert told.count("What became of it is not said") == 2
    assert told.count("Who they are") == 1


def test_two_who_agree_on_a_line_of_stages_share_it() -> None:
    rows = [
        {
            "initiative": Cell("uri", "urn:a"),
            "initiativeLabel": Cell("literal", "A"),
            "claimantLabel": Cell("literal", claimant),
            "stage": Cell("uri", f"urn:{stage}"),
            "stageLabel": Cell("literal", stage),
            "from": Cell("literal", year),
        }
        for claimant, last in (("One", "2012"), ("Two", "2012"), ("Three", "2015"))
        for stage, year in (("pilot-project", "2010"), ("project", last))
    ]
    drawn = timeline(rows, 2020)
    assert [line.spans[-1].start for line in drawn.lines] == [2012, 2015]
    assert (drawn.first, drawn.last) == (2010, 2020)


def test_every_view_in_another_language_keeps_its_links_there(client: FlaskClient) -> None:
    text = client.get("/de/organisations/north-city", headers=BROWSER).text
    assert '<html lang="de">' in text
    assert 'href="/de/initiatives/alpha"' in text
    assert 'hreflang="da" href="/da/organisations/north-city"' in text
    assert client.get("/de/board", headers=BROWSER).headers["Content-Language"] == "de"


def test_a_view_alone_may_be_framed_and_nothing_else(client: FlaskClient) -> None:
    for view in ("/board?country=DNK", "/barriers", "/organisations/north-city"):
        whole = client.get(f"/da{view}", headers=BROWSER)
        alone = client.get(f"/da/embed{view}", headers=BROWSER)
        assert "frame-ancestors 'none'" in whole.headers["Content-Security-Policy"]
        assert "frame-ancestors *" in alone.headers["Content-Security-Policy"]
        path = view.partition("?")[0]
        assert f"/da/embed{path}?" in whole.text
        assert "<nav" not in alone.text
        assert "<title>" in alone.text
        assert f"version {alone.headers['Dataset-Version']}" in alone.text


def test_searches_that_come_while_an_index_is_made_wait_for_it() -> None:
    indexes, made, going_on = Indexes(), list[int](), threading.Event()

    def entries() -> list[Entry]:
        made.append(1)
        going_on.wait(30)
        return [Entry("urn:a", "initiative", "Alpha", None, 1.0)]

    with ThreadPoolExecutor(4) as threads:
        searches = [threads.submit(indexes.get, 7, entries) for _ in range(4)]
        while not made:
            threading.Event().wait(0.01)
        going_on.set()
        assert len({id(search.result()) for search in searches}) == 1
    assert made == [1]
