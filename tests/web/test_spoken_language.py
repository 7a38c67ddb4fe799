"""No English is left on a Danish or German page, but for names, and what its page marks as English.

Every page is read beside the English one: what is the same in both is a name of the data, a word
that is the same in both languages, or was forgotten.
"""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from coprod_kg.formats.media_types import CHARTS, CRATE, EXCEL_CSV, FORMATS, WORKBOOK
from coprod_kg.model.files import files
from coprod_kg.model.translations import day, read_po
from coprod_kg.queries.labels import concepts
from coprod_kg.queries.library import load
from coprod_kg.web.explorer.languages import catalogue
from coprod_kg.web.explorer.page import LANGUAGES
from tests.web.test_explorer import VIEWS
from tests.web.test_pages import BROWSER
from tests.web.test_translations import VALUE

TOP = Path(__file__).parents[2]
LEFT_OUT = frozenset({"script", "style", "pre", "code", "cite"})
"""Elements whose text is no language, or the name of a work."""
READ_OUT = ("alt", "aria-label", "placeholder", "title")
EDGES = " ,;:.()[]·→-\u2013\u00d7?!%&…/"
ENGLISH = frozenset({"the", "of", "and", "which", "from", "is", "are", "with", "its", "their"})
"""Words that no Danish or German sentence has."""
WORDS = re.compile("[A-Za-z]{2}")
NAMES = {"CC BY", "SPARQL", "BibTeX", "CSL-JSON", "nowhere"}
SLUG = re.compile("[a-z]+(-[a-z]+)+")
"""How a thing is shown that has no label."""


class Texts(HTMLParser):
    """The texts of a page that are in its own language: what is read, and what is read out."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "base", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.language = ""
        self._open: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.language = self.language or given.get("lang", "")
        speaks = self._open[-1][1] if self._open else True
        if "lang" in given:
            speaks = given["lang"] == self.language
        speaks = speaks and tag not in LEFT_OUT
        if speaks:
            self._take(*(given[name] for name in READ_OUT if name in given))
        if tag not in self.VOID:
            self._open.append((tag, speaks))

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][1]:
            self._take(data)

    def _take(self, *texts: str) -> None:
        self.found |= {plain(text) for text in texts}


def plain(text: str) -> str:
    """A text without numbers, and without the signs around it."""
    return " ".join(re.sub(r"\d+", " ", text).split()).strip(EDGES)


@cache
def names() -> frozenset[str]:
    """What things of the tiny world are called, and what is quoted in it."""
    formats = (*FORMATS, WORKBOOK, EXCEL_CSV, *CHARTS, CRATE)
    found = NAMES | {form.label for form in formats if " " not in form.label}
    for quad in ox.parse(path=TOP / "tests" / "tiny.ttl", format=ox.RdfFormat.TURTLE):
        for node in (quad.subject, quad.object):
            if isinstance(node, ox.Literal):
                found.add(plain(node.value))
            elif isinstance(node, ox.NamedNode):
                found.add(re.split("[/#]", node.value)[-1])
    return frozenset(found)


@cache
def same(language: str) -> frozenset[str]:
    """Words and labels that are the same in English and in this language."""
    texts = [*catalogue(language).items()]
    texts += read_po(files("queries") / "locale" / f"{language}.po").items()
    found = {form for text, forms in texts for form in forms if form == text}
    for concept in concepts().values():
        if concept.label(language) == concept.label():
            found.add(concept.label())
    months = [f"2000-{number:02}" for number in range(1, 13)]
    found |= {day(month, "en") for month in months if day(month, "en") == day(month, language)}
    return frozenset(plain(VALUE.sub("", word)) for word in found)


def beside(view: str, language: str) -> tuple[str, str]:
    """The addresses of a view in English and in another language."""
    if view.startswith("/queries"):
        return view, f"{view}{'&' if '?' in view else '?'}lang={language}"
    return view, f"/{language}{view}"


def pages() -> Iterator[str]:
    """Every page that speaks other languages than English."""
    yield from VIEWS
    yield from (f"/embed{view}" for view in ("/board", "/barriers", "/pathways"))
    yield from ("/self-assessment", "/nowhere", "/organisations/nowhere", "/barriers/nowhere")
    yield from ("/compare?country=DNK&sector=health", "/queries", "/queries?q=zzzz")
    for name in load():
        yield f"/queries/{name}"
    yield from ("/queries/initiatives/cite", "/queries/initiatives/differences?from=1&to=1")
    yield from ("/queries/initiatives?limit=2", "/queries/nowhere")


def english(client: FlaskClient, view: str, language: str) -> set[str]:
    """What a page says in English in a language that is another."""
    first, page = (
        Texts(client.get(address, headers=BROWSER).text) for address in beside(view, language)
    )
    assert (first.language, page.language) == ("en", language)
    read = {text for text in page.found if WORDS.search(text) and "://" not in text}
    told = {text for text in read if not SLUG.fullmatch(text)} - names() - same(language)
    return (told & first.found) | {text for text in told if ENGLISH & words_of(text)}


def words_of(text: str) -> set[str]:
    """The words of a text, without those of the names in it."""
    for name in sorted(names(), key=len, reverse=True):
        text = text.replace(name, "") if " " in name else text
    return set(text.lower().split())


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_page_leaves_english_on_it(client: FlaskClient, language: str) -> None:
    left = {view: sorted(english(client, view, language)) for view in pages()}
    assert {view: texts for view, texts in left.items() if texts} == {}


def test_a_forgotten_text_would_be_found() -> None:
    """In a sentence, in an attribute; not where it is marked, nor in a code."""
    text = """<html lang="da"><p>Initiativer</p><p title="Shown here">x</p>
    <p lang="en">marked</p><pre>code</pre><p>Kendt <b>Left behind.</b></p></html>"""
    assert Texts(text).found - {"", "x"} == {"Initiativer", "Shown here", "Kendt", "Left behind"}
