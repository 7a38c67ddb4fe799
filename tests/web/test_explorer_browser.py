"""The explorer in the system's Chromium: one session through every view, as people meet them."""

import gzip
import importlib.util
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.serving import make_server

from coprod_kg.selfassessment.answers import read
from coprod_kg.selfassessment.questionnaire import questionnaire
from coprod_kg.web.sparql import SCRIPT
from tests.web.test_explorer import VIEWS

OTHERS = (
    "/queries",
    "/queries/initiatives-by-stage?lang=de",
    "/queries/initiatives-by-stage/cite",
    "/ontology",
    "/shapes",
    "/sparql",
    "/docs",
    "/docs/submitter",
    "/versions",
    "/catalogue",
    "/problem/query-syntax",
    "/vocab/finding",
    "/submissions",
    "/page/initiative/alpha",
    "/page/vocab/stage/project",
    "/nowhere",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
THIN = """() => {
  const own = element => {
    const classes = element.className?.baseVal ?? element.className;
    return [element.tagName, classes, ...element.getAttributeNames().sort()].join();
  };
  const kinds = new Map();
  const within = element => {
    const inside = [...element.children].flatMap(child => [...(kinds.get(child) ?? within(child))]);
    kinds.set(element, new Set([own(element), ...inside]));
    return kinds.get(element);
  };
  within(document.body);
  for (const parent of document.querySelectorAll("body, body *")) {
    const seen = new Map();
    for (const child of [...parent.children]) {
      const kind = [...kinds.get(child)].sort().join("|");
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if (seen.get(kind) > 3) child.remove();
    }
  }
}"""
"""Leaves three of those elements beside each other in which the same kinds of elements (by name,
class and attributes) lie: the pages of the model repeat hundreds of them."""
MARK_KINDS = """() => {
  const kinds = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const own = getComputedStyle(element);
    const kind = [own.color, own.fontSize, own.fontWeight, own.textShadow];
    for (let outer = element; outer; outer = outer.parentElement) {
      const { backgroundColor, backgroundImage, opacity, position } = getComputedStyle(outer);
      const ground = [backgroundColor, backgroundImage, opacity, position].join();
      if (ground !== "rgba(0, 0, 0, 0),none,1,static") kind.push(ground);
    }
    if (kinds.size < kinds.add(kind.join()).size) element.dataset.kind = "";
  }
}"""
"""Marks the first text of each colour, size and weight upon each ground: contrast depends on
nothing else, takes longer than all other rules together, and large pages repeat 30 such kinds."""
MOST_BYTES = 100_000
MANY = 2000
"""Elements of a page from which on it is thinned."""


@pytest.fixture(scope="module")
def browser(require: Callable[[str], None]) -> Iterator[Any]:
    require("chromium")
    assert importlib.util.find_spec("playwright"), "pip install playwright"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()


@pytest.fixture(scope="module")
def axe(require: Callable[[str], None]) -> str:
    """The checker's script; it is no part of our pages, so their policy does not concern it."""
    require("axe")
    found = importlib.util.find_spec("axe_playwright_python")
    assert found
    assert found.origin
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    if page.evaluate("document.querySelectorAll('*').length") > MANY:
        page.evaluate(THIN)
    page.evaluate(MARK_KINDS)
    found = page.evaluate(
        """async tags => {
          axe.configure({ rules: [{ id: "color-contrast", selector: "[data-kind]" }] });
          return (await axe.run({ resultTypes: ["violations"], runOnly: tags })).violations
            .map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
        }""",
        RULES,
    )
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("scheme", "width", "start"),
    [("light", 1200, ""), ("dark", 1200, "/da"), ("light", 320, "/de")],
)
def test_nothing_keeps_people_out_of_a_view(
    browser: Any, address: str, axe: str, scheme: str, width: int, start: str
) -> None:
    """By axe-core, in three languages, light, dark and on the narrowest screen."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    faults = {}
    for view in VIEWS if start else (*VIEWS, *OTHERS):
        page.goto(f"{address}{start}{view}")
        found = violations(page, axe)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append("it scrolls sideways")
        if found:
            faults[view] = found
    page.close()
    assert not faults


def test_no_view_asks_another_server_or_weighs_more_than_it_may(browser: Any, address: str) -> None:
    page = browser.new_page()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    for view in VIEWS:
        response = page.goto(f"{address}{view}")
        assert len(response.body()) < MOST_BYTES, view
        assert "default-src 'none'" in response.headers["content-security-policy"]
    page.close()
    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} == {
        urlsplit(address).netloc
    }
    assert told == []


def test_from_the_first_page_to_who_got_past_it_by_keyboard_without_scripts(
    browser: Any, address: str
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/")
    page.get_by_role("searchbox").focus()
    page.keyboard.type("north citi")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="North City").press("Enter")
    assert page.get_by_role("heading", level=1).inner_text() == "North City"
    page.locator("#past").wait_for()
    barrier = page.locator("section[aria-labelledby=holds] tbody a").first
    name = barrier.inner_text()
    barrier.press("Enter")
    assert page.get_by_role("heading", level=1).inner_text() == name
    assert page.get_by_role("heading", name="Who overcame it, and how").is_visible()
    context.close()


def test_the_search_box_suggests_and_is_used_by_keyboard(
    browser: Any, address: str, axe: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/da/")
    box = page.get_by_role("combobox")
    box.focus()
    page.keyboard.type("north citi")
    page.get_by_role("option").first.wait_for()
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"
    page.keyboard.type("e")
    page.get_by_role("option", name="North City").wait_for()
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert chosen.get_attribute("id") == box.get_attribute("aria-activedescendant")
    page.keyboard.press("Enter")
    page.wait_for_url("**/da/organisations/north-city")
    page.close()


def test_the_editor_completes_points_to_errors_and_shows_the_answer(
    browser: Any, address: str, axe: str, require: Callable[[str], None]
) -> None:
    """And weighs less than 160 kB, with the licence of every package in it."""
    require("editor")
    assert len(gzip.compress(SCRIPT.read_bytes())) < 160_000
    licences = SCRIPT.with_name("editor.licences.txt").read_text(encoding="utf-8")
    assert {"codemirror-lang-sparql", "@codemirror/view", "@lezer/lr"} <= set(licences.split())
    page = browser.new_page(viewport={"width": 390, "height": 844})
    told: list[str] = []
    page.on("pageerror", lambda error: told.append(str(error)))
    with page.expect_response("**/sparql/terms"):
        page.goto(f"{address}/sparql?example=initiatives")
    text = page.get_by_role("textbox", name="Query")
    assert "SELECT DISTINCT ?initiative" in text.inner_text()
    assert violations(page, axe) == []
    text.fill("SELECT * WHERE { ?i a ")
    text.press("End")
    page.keyboard.type("cp:Initiat")
    page.get_by_role("option").filter(has_text="cp:InitiativeInitiative").wait_for()
    assert violations(page, axe) == []
    page.get_by_role("option").filter(has_text="cp:InitiativeInitiative").click()
    assert "PREFIX cp: <https://w3id.org/coprod/ontology#>" in text.inner_text()
    text.fill("SELECT * WHERE {\n  ?s ?p }")
    text.press("Control+Enter")
    page.get_by_role("status").filter(has_text="line 2, column 9").wait_for()
    assert page.locator(".cm-line").nth(1).locator(".cm-lintRange-error").count() == 1
    assert violations(page, axe) == []
    text.fill("SELECT ?s WHERE { ?s a <https://w3id.org/coprod/ontology#Initiative> }")
    text.press("Control+Enter")
    page.get_by_role("heading", name="Answer").wait_for()
    assert page.locator("[data-answer] tbody tr").count() > 3
    assert "query=SELECT" in page.url
    assert not told
    page.close()


def test_the_answer_stands_on_the_first_screen_of_a_phone(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for view, where in (
        ("/", ".sentence .figure"),
        ("/organisations/north-city", ".sentence .figure"),
        ("/initiatives/alpha", "#claimed"),
        ("/barriers", ".sentence .figure"),
        ("/board", ".board .figure"),
        ("/pathways", "table .figure"),
    ):
        page.goto(f"{address}{view}")
        place = page.locator(where).first.bounding_box()
        assert place, view
        assert place["y"] + place["height"] < 844, view
    page.close()


def test_no_column_is_cut_off_on_a_phone(browser: Any, address: str) -> None:
    """Tables become lists there; only a matrix or a comparison of many may be wider."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for view in ("/initiatives/alpha", "/pathways", "/barriers/inter-org-complexity"):
        page.goto(f"{address}{view}")
        wider = "element => element.scrollWidth > element.clientWidth"
        assert page.locator("table.stack").count(), view
        for region in page.locator(".scroll").all():
            assert not region.evaluate(wider), view
    page.close()


@pytest.mark.parametrize("width", [1100, 1280, 800])
def test_no_stage_of_the_board_runs_into_the_next(browser: Any, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    for start in ("", "/da", "/de"):
        page.goto(f"{address}{start}/board")
        columns = page.locator(".board > section").all()
        assert len(columns) > 5
        for column in columns:
            wider = "element => element.scrollWidth > element.clientWidth"
            assert not column.evaluate(wider), (start, column.inner_text())
    page.close()


def test_print_writes_out_each_address_once_and_no_form(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.emulate_media(media="print")
    written = "element => getComputedStyle(element, '::after').content"
    page.goto(f"{address}/organisations/river-hospital")
    told = page.locator('a[href="/template.xlsx"]').last.evaluate(written)
    assert f"<{address}/template.xlsx>" in told
    page.goto(f"{address}/initiatives/alpha")
    for link in page.locator('main a[href^="http"]').all():
        once = link.inner_text() == link.get_attribute("href")
        assert ("none" in link.evaluate(written)) == once
    page.goto(f"{address}/board?country=DNK")
    assert not page.locator("form").first.is_visible()
    page.close()


def test_where_we_stand_prints_on_two_sheets(browser: Any, address: str, tmp_path: Path) -> None:
    page = browser.new_page()
    for view in ("/organisations/river-hospital", "/barriers/inter-org-complexity"):
        page.goto(f"{address}{view}")
        named = page.locator("style[media=print]").inner_text()
        assert "@bottom-left" in named
        told = re.sub(r"\\([0-9a-f]+) ", lambda escape: chr(int(escape[1], 16)), named)
        assert f"· {address}{view}?version=" in told
        sheets = page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n")
        assert 1 <= sheets <= 2, view
    page.close()


BARRIERS = "Ask-barriers"
WALKED = {
    "stage:pilot-project": {
        3: {
            "PilotProject-question.triesOut": "Does it help?",
            "PilotProject-bound.decisionDue": "2027",
        }
    },
    "stage:programme": {
        4: {"Programme-goal.strategicGoal": "Every ward", "Programme-parts.partCount": "4"}
    },
    "stage:ad-hoc-individual": {3: {"Ask-start": "2005-03"}},
}
"""Stage → the number of a step → what is written in its fields."""


def test_a_self_assessment_with_five_barriers_prints_on_two_sheets(
    browser: Any, address: str
) -> None:
    found = read(
        [
            ("Ask-name", "Memory café"),
            ("Ask-runner", "Harbour"),
            ("Ask-stage", "stage:project"),
            ("Ask-sector", "sector:health"),
            *(("Ask-barriers", key) for key in sorted(questionnaire().fields[BARRIERS].keys)[:5]),
        ],
        questionnaire(),
    )
    assert found[1] == []
    fields = "".join(
        f'<input name="{name}" value="{value}">'
        for name, value in [*found[0].pairs(), ("step", "6"), ("to", "result")]
    )
    page = browser.new_page()
    page.goto(f"{address}/de/self-assessment")
    page.evaluate(
        "fields => document.querySelector('main').innerHTML ="
        " `<form method=post>${fields}<button id=send>Go</button></form>`",
        fields,
    )
    page.locator("#send").click()
    page.locator("#alike").wait_for()
    assert page.pdf(format="A4", prefer_css_page_size=True).count(b"/Type /Page\n") == 2
    page.close()


@pytest.mark.parametrize(
    ("stage", "start", "width", "scripts"),
    [
        ("stage:pilot-project", "", 1200, True),
        ("stage:pilot-project", "/da", 320, True),
        ("stage:pilot-project", "/de", 1200, False),
        ("stage:programme", "/de", 320, True),
        ("stage:ad-hoc-individual", "/da", 1200, False),
    ],
)
def test_the_self_assessment_is_walked_by_keyboard_with_scripts_and_without(
    browser: Any, address: str, axe: str, stage: str, start: str, width: int, scripts: bool
) -> None:
    """No page of it has a script; where scripts are on, the checker's is run beside it."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, bypass_csp=True, java_script_enabled=scripts
    )
    page = context.new_page()
    checked = (None, 2, 4) if scripts and stage == "stage:pilot-project" else ()

    def see(step: int | None) -> None:
        if step:
            assert page.locator("p.kind").inner_text().split()[-3] == str(step)
        if scripts:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        if step in checked:
            assert violations(page, axe) == []

    page.goto(f"{address}{start}/self-assessment")
    see(1)
    page.get_by_role("textbox").first.fill("Memory café")
    page.locator("[id='Ask-runner']").fill("Harbour")
    page.locator(f"[name='Ask-stage'][value='{stage}']").check()
    page.locator("[id='Ask-runner']").press("Enter")  # the first button goes on
    see(2)
    user = page.locator("[name='CoProduction-citizenInput.role'][value='role:service-user']")
    gives = page.locator("[name='CoProduction-citizenInput.role:service-user.contribution']").first
    assert not gives.is_visible()  # before it is said that they take part
    user.check()
    gives.check()
    user.uncheck()
    page.locator("p.go button[value=next]").click()
    faults = page.get_by_role("alert")
    faults.get_by_role("link").click()  # to the field that it is about
    see(2)
    user.check()
    page.locator(
        "[name='CoProduction-serviceInput.role'][value='role:frontline-professional']"
    ).check()
    for step in (3, 4, 5, 6):
        page.locator("p.go button[value=next]").click()
        assert faults.count() == 0
        see(step)
        for name, words in WALKED[stage].get(step, {}).items():
            page.locator(f"[id='{name}']").fill(words)
        if step == 3 and stage == "stage:ad-hoc-individual":
            page.locator("[name='AdHocIndividual-discretion.enabler']").first.check()
    page.locator("p.go button[value=result]").click()
    assert page.locator("h1").inner_text() == "Memory café"
    assert page.locator("#supported + p strong").count() == 1
    see(None)
    assert context.cookies() == []
    context.close()
