"""Markdown to HTML: the part of CommonMark, with tables, that ``docs/`` is written in.

Headings, paragraphs, lists, tables, fenced code, comments (left out); within text code, links,
strong and emphasised words. Everything else is text. A test compares it with a full reader.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from markupsafe import Markup, escape

__all__ = ["anchor", "html", "title"]

Link = Callable[[str], str | None]
"""Where a link of a page leads in its place here; None where that is not served."""

_HEADING: Final = re.compile(r"(#{1,6}) (.*)")
_FENCE: Final = re.compile(r"(`{3,})(\S*)\s*$")
_ITEM: Final = re.compile(r"(-|\d+\.)( +)(?=\S)")
_COMMENT: Final = re.compile(r"<!--.*?-->\s*$")
_RULE: Final = re.compile(r"\|(?:\s*:?-+:?\s*\|)+\s*$")
_CELLS: Final = re.compile(r"(?<!\\)\|")
_INLINE: Final = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|\[(?P<text>(?:`[^`]*`|[^\]`])*)\]\((?P<href>[^)\s]*)\)"
    r"|<(?P<address>https?://[^>\s]*)>"
    r"|\*\*(?P<strong>\S(?:.*?\S)?)\*\*"
    r"|(?<![\w*])\*(?P<em>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])",
    re.DOTALL,
)


def html(text: str, link: Link = lambda href: href) -> Markup:
    """A page as HTML.

    >>> html("Two *words*").strip()
    Markup('<p>Two <em>words</em></p>')
    """
    return Markup("").join(_blocks(text.splitlines(), link))


def title(text: str) -> str:
    """The words of the first heading of a page."""
    return next((found[2] for found in map(_HEADING.match, text.splitlines()) if found), "")


def anchor(heading: str) -> str:
    """The anchor of a heading, made as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _blocks(lines: Sequence[str], link: Link, *, tight: bool = False) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip() or _COMMENT.fullmatch(line):
            at += 1
        elif found := _FENCE.match(line):
            end = _end(lines, at + 1, lambda row, fence=found[1]: row.strip() == fence)  # type: ignore[misc]  # it has a default
            code = "".join(f"{row}\n" for row in lines[at + 1 : end])
            yield Markup('<pre tabindex="0"><code>{}</code></pre>\n').format(code)
            at = end + 1
        elif found := _HEADING.match(line):
            size, name = len(found[1]), anchor(found[2])
            words = _inline(found[2], link)
            yield Markup('<h{} id="{}">{}</h{}>\n').format(size, name, words, size)
            at += 1
        elif line.startswith("|") and at + 1 < len(lines) and _RULE.match(lines[at + 1]):
            end = _end(lines, at, lambda row: not row.startswith("|"))
            yield _table(lines[at:end], link)
            at = end
        elif _ITEM.match(line):
            made, at = _list(lines, at, link)
            yield made
        else:
            end = _end(lines, at + 1, _begins)
            words = _inline("\n".join(row.strip() for row in lines[at:end]), link)
            yield words if tight else Markup("<p>{}</p>\n").format(words)
            at = end


def _end(lines: Sequence[str], at: int, ends: Callable[[str], bool]) -> int:
    """The first line from a place on at which something ends."""
    return next((place for place in range(at, len(lines)) if ends(lines[place])), len(lines))


def _begins(line: str) -> bool:
    """Whether a paragraph ends before a line."""
    blocks = (_HEADING, _FENCE, _ITEM, _COMMENT)
    return not line.strip() or any(pattern.match(line) for pattern in blocks)


def _list(lines: Sequence[str], at: int, link: Link) -> tuple[Markup, int]:
    """The list that begins at a line, and where it ends."""
    first = _ITEM.match(lines[at])
    ordered = first is not None and first[1] != "-"
    items: list[list[str]] = []
    loose = False
    while at < len(lines) and (found := _ITEM.match(lines[at])):
        if (found[1] != "-") is not ordered:
            break
        width = found.end()
        item = [lines[at][width:]]
        at += 1
        while at < len(lines):
            line = lines[at]
            blank = not line.strip()
            indented = not blank and len(line) - len(line.lstrip(" ")) >= width
            follows = blank and at + 1 < len(lines) and lines[at + 1].startswith(" " * width)
            lazy = not (blank or indented or _begins(line) or _fenced(item)) and bool(item[-1])
            if not (indented or follows or lazy):
                break
            loose = loose or follows
            item.append(line[width:] if indented else line.strip())
            at += 1
        items.append(item)
        after = _end(lines, at, lambda row: bool(row.strip()))
        if at < after < len(lines) and _ITEM.match(lines[after]):
            loose, at = True, after
    kind = "ol" if ordered else "ul"
    made = [Markup("").join(_blocks(item, link, tight=not loose)).strip() for item in items]
    told = Markup("").join(Markup("<li>{}</li>\n").format(entry) for entry in made)
    return Markup("<{}>\n{}</{}>\n").format(kind, told, kind), at


def _fenced(lines: Sequence[str]) -> bool:
    """Whether the last of some lines stands in a block of code."""
    return sum(bool(_FENCE.match(line)) for line in lines) % 2 == 1


def _table(lines: Sequence[str], link: Link) -> Markup:
    def row(line: str, kind: str) -> Markup:
        cells = _CELLS.split(line.strip().strip("|"))
        texts = (_inline(cell.strip().replace("\\|", "|"), link) for cell in cells)
        made = (Markup("<{}>{}</{}>").format(kind, text, kind) for text in texts)
        return Markup("<tr>{}</tr>\n").format(Markup("").join(made))

    body = Markup("").join(row(line, "td") for line in lines[2:])
    # A narrow screen scrolls it sideways, which has to be possible by keyboard: so a tabindex.
    return Markup(
        '<table tabindex="0">\n<thead>\n{}</thead>\n<tbody>\n{}</tbody>\n</table>\n'
    ).format(row(lines[0], "th"), body)


def _inline(text: str, link: Link) -> Markup:
    made, at = Markup(""), 0
    for found in _INLINE.finditer(text):
        made += escape(text[at : found.start()])
        at = found.end()
        if found["code"] is not None:
            code = found["code"].replace("\n", " ")
            stripped = code[1:-1] if code.strip() and code[0] == code[-1] == " " else code
            made += Markup("<code>{}</code>").format(stripped)
        elif found["href"] is not None:
            made += _linked(_inline(found["text"], link), link(found["href"]))
        elif found["address"] is not None:
            made += _linked(escape(found["address"]), found["address"])
        elif found["strong"] is not None:
            made += Markup("<strong>{}</strong>").format(_inline(found["strong"], link))
        elif found["em"] is not None:
            made += Markup("<em>{}</em>").format(_inline(found["em"], link))
        else:
            made += escape(found["escaped"])
    return made + escape(text[at:])


def _linked(text: Markup, href: str | None) -> Markup:
    return text if href is None else Markup('<a href="{}">{}</a>').format(href, text)
