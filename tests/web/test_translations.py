"""The catalogues of the pages: every text has its translation, with the same values in it."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

from coprod_kg.queries.library import load
from coprod_kg.web.explorer.languages import catalogue
from coprod_kg.web.explorer.page import LANGUAGES

TEMPLATES = Path(__file__).parents[2] / "coprod_kg" / "web" / "templates"
VALUE = re.compile(r"%\((\w+)\)s")


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


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_text_of_the_pages_is_translated(language: str) -> None:
    texts, translated = used(), catalogue(language)
    assert len(texts) > 200
    assert sorted(set(texts) - set(translated)) == []
    assert sorted(set(translated) - set(texts)) == []


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_question_is_asked_in_the_language_too(language: str) -> None:
    asked = {name: query.asked_in(language) for name, query in load().items()}
    assert [name for name, (_, tongue) in asked.items() if tongue != language] == []
    assert len({text for text, _ in asked.values()}) == len(asked) > 70


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_has_the_same_values_and_as_many_forms(language: str) -> None:
    texts = used()
    for text, forms in catalogue(language).items():
        assert len(forms) == len(texts[text]), text
        for form in forms:
            assert set(VALUE.findall(form)) == set(VALUE.findall(text)), form
            assert form.count("<a ") == text.count("<a "), form
