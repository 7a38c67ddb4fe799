"""The catalogues: every text of pages, questions and charts is translated, its values kept."""

import ast
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from coprod_kg.errors import CoprodError
from coprod_kg.formats.media_types import EXCEL_CSV
from coprod_kg.formats.table import Cell, Table, labelled_columns
from coprod_kg.model.files import files
from coprod_kg.model.translations import read_po
from coprod_kg.queries.charts import chart
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.web.explorer.languages import catalogue
from coprod_kg.web.explorer.page import LANGUAGES

TOP = Path(__file__).parents[2]
TEMPLATES = TOP / "coprod_kg" / "web" / "templates"
VALUE = re.compile(r"%\((\w+)\)s")
BRACED = re.compile(r"\{\w+\}")
JOINED = re.compile(r'" \+ ([^"\n]+)"')
"""A word that a query puts after others, with the sign before it."""
QUOTED = re.compile(r'"([^"\n]+)"')
ROW = Table(("x",), ({"x": Cell("literal", "x")},))


def used() -> dict[str, tuple[str, ...]]:
    """Every text of the templates, with the one for several where it has one."""
    env = Environment(
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    found = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        for _, _, message in env.extract_translations(path.read_text(encoding="utf-8")):  # type: ignore[attr-defined]  # the extension adds it
            texts = (message,) if isinstance(message, str) else tuple(filter(None, message))
            found[texts[0]] = texts
    return found


def of_header(query: SavedQuery) -> Iterator[str]:
    """What a header says, but for question and description, which it translates itself."""
    labels = labelled_columns([column.name for column in query.columns]).values()
    yield from (column.label_or_name for column in query.columns if column.name not in labels)
    for column in query.columns:
        yield from filter(None, (column.unit, column.description))
    for parameter in query.parameters:
        yield parameter.name.replace("_", " ").capitalize()
        yield parameter.description
        yield from [parameter.scope.replace("-", " ")] if parameter.type == "iri" else []
    yield from (tag.replace("-", " ") for tag in query.tags)


def of_chart(spec: object, key: str = "") -> Iterator[str]:
    """The titles of a chart, and the words that its expressions make where people read them."""
    if isinstance(spec, dict):
        for name, value in spec.items():
            yield from of_chart(value, name)
    elif isinstance(spec, list):
        for value in spec:
            yield from of_chart(value, key)
    elif isinstance(spec, str) and key in ("title", "subtitle", "domain"):
        yield spec
    elif isinstance(spec, str) and key == "calculate":
        yield from (word for word in re.findall(r"[?:+] '([^']*[A-Za-z]{2}[^']*)'", spec))


def of_answers(name: str, text: str) -> Iterator[str]:
    """What the query itself writes into its golden answer, in English."""
    lines = (TOP / "tests" / "questions" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.reader(line for line in lines if not line.startswith("#"))
    next(rows)
    yield from {cell for row in rows for cell in row if cell and f'"{cell}"' in text}
    yield from JOINED.findall(text)


def of_notes() -> Iterator[str]:
    """What the code says beside an answer: what it gives to ``text_in`` as it stands."""
    folders = (TOP / "coprod_kg" / "queries", TOP / "coprod_kg" / "web")
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = {
            node.target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "text_in":
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    yield text.value  # type: ignore[misc]  # a text
                elif isinstance(text, ast.Name) and isinstance(known.get(text.id), str):
                    yield str(known[text.id])
    yield "in the dataset"
    yield EXCEL_CSV.label  # of the formats, the one whose name has words of English in it


def of_errors() -> Iterator[str]:
    """The titles of all errors, and what those of the explorer say, which is written out there."""
    kinds = [CoprodError]
    while kinds:
        kind = kinds.pop()
        kinds += [below for below in kind.__subclasses__() if below.__module__ == kind.__module__]
        yield kind.title
    yield from ("there is nothing at this address", "Begin at /.")
    raised = [
        node.exc
        for path in sorted((TOP / "coprod_kg" / "web" / "explorer").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise)
    ]
    assert len(raised) > 4
    for error in raised:
        assert isinstance(error, ast.Call)
        for text in (error.args[0], *(told.value for told in error.keywords if told.arg == "fix")):
            yield ast.literal_eval(text)


def of_questions() -> set[str]:
    """Every text that the catalogues of the questions hold."""
    found = {*of_notes(), *of_errors()}
    for name, query in load().items():
        body = "\n".join(line for line in query.text.splitlines() if not line.startswith("#+"))
        found |= {*of_header(query), *of_answers(name, body)}
        if chart.has_chart(query):
            found |= set(of_chart(chart.template(query)))
    return found


def translations(language: str) -> dict[str, str]:
    path = files("queries") / "locale" / f"{language}.po"
    return {text: forms[0] for text, forms in read_po(path).items()}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    texts, translated = used(), catalogue(language)
    assert len(texts) > 200
    assert sorted(set(texts) - set(translated)) == []
    assert sorted(set(translated) - set(texts)) == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_question_and_its_description_are_in_the_language_too(language: str) -> None:
    for texts in (
        {name: query.asked_in(language) for name, query in load().items()},
        {name: query.described_in(language) for name, query in load().items()},
    ):
        assert [name for name, (_, tongue) in texts.items() if tongue != language] == []
        assert len({text for text, _ in texts.values()}) == len(texts) > 70


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_heading_unit_note_and_title_of_a_chart_is_translated(language: str) -> None:
    texts, translated = of_questions(), translations(language)
    assert len(texts) > 500
    assert sorted(texts - set(translated)) == []
    bodies = "\n".join(query.text for query in load().values())
    written = set(QUOTED.findall(bodies))
    assert sorted(set(translated) - texts - written) == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_has_the_same_values_and_as_many_forms(language: str) -> None:
    texts = used()
    for text, forms in catalogue(language).items():
        assert len(forms) == len(texts[text]), text
        for form in forms:
            assert set(VALUE.findall(form)) == set(VALUE.findall(text)), form
            assert form.count("<a ") == text.count("<a "), form
    for text, form in translations(language).items():
        assert sorted(BRACED.findall(form)) == sorted(BRACED.findall(text)), form
        assert (form[0].isspace(), form[-1].isspace()) == (text[0].isspace(), text[-1].isspace())


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_chart_makes_the_words_that_its_legend_lists(language: str) -> None:
    for name, query in load().items():
        if not chart.has_chart(query):
            continue
        english, spec = (
            chart.specification(name, ROW, None, None, code) for code in ("", language)
        )
        for (channel, plain), (_, bound) in zip(
            chart.encodings(english), chart.encodings(spec), strict=True
        ):
            listed = [
                text_in(str(word), language) for word in plain.get("scale", {}).get("domain", [])
            ]
            assert [str(word) for word in bound.get("scale", {}).get("domain", [])] == listed
            made = json.dumps(spec.get("transform", []), ensure_ascii=False)
            if channel == "color" and listed and plain.get("type") == "nominal":
                assert all(f"'{word}'" in made for word in listed), name
