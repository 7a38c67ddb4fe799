"""The pages of docs/ are shown as a full reader of Markdown shows them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from coprod_kg.web.markdown import anchor, html, title

TOP = Path(__file__).parents[2]
PAGES = sorted((TOP / "docs").glob("*.md"))


class Reader(HTMLParser):
    """What is in a page: its elements with where they lead, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(f"<{tag} {dict(attrs).get('href') or ''}>")

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words:
            self.found.append(words)


def read(page: str) -> list[str]:
    reader = Reader()
    reader.feed(re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL))
    reader.close()
    return reader.found


def full(text: str) -> str:
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    return str(reader.render(text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_shown_as_a_full_reader_shows_it(page: Path) -> None:
    text = page.read_text("utf-8")
    assert read(str(html(text))) == read(full(text))


@pytest.mark.parametrize(
    "text",
    [
        "a `b | c` and ``d ` e``",
        "**strong `code`** and *soft words*, 2 * 3 * 4",
        "- one\n  goes on\n- two\n\n  ```sh\n  - no item\n  ```\n- three",
        "1. first\n2. second\n\ntext",
        "| a | b |\n| --- | --- |\n| `x \\| y` | *z* |",
        "[`code`](a.md#b) and <https://example.org/?a=1&b=2> \\*not\\*",
        "<script>alert(1)</script> & more".replace("<", "\\<"),
    ],
)
def test_each_construct_is_read_as_a_full_reader_reads_it(text: str) -> None:
    assert read(str(html(text))) == read(full(text))


def test_nothing_in_a_page_is_markup_of_its_own() -> None:
    assert "<script" not in html("<script>alert(1)</script>\n\n`<script>`\n\n```\n<script>\n```")


def test_a_link_to_what_is_not_served_is_text() -> None:
    assert html("see [this](../x)", lambda href: None) == "<p>see this</p>\n"


def test_anchors_are_those_that_links_in_the_pages_use() -> None:
    for page in PAGES:
        for name, place in re.findall(r"\]\(([a-z]+\.md)#([^)]*)\)", page.read_text("utf-8")):
            text = (page.parent / name).read_text("utf-8")
            headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
            assert place in map(anchor, headings), f"{page.name} leads to {name}#{place}"
            assert f'id="{place}"' in html(text)


def test_a_page_has_a_title() -> None:
    assert all(title(page.read_text("utf-8")) for page in PAGES)
