"""Lexer of SPARQL: text to tokens, for valid and invalid text alike.

Strings, IRIs and comments are one token each, so what stands inside them is never taken for a
keyword. Whatever fits no token becomes a token of one character: no text makes it fail.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "GAP",
    "IRI",
    "PNAME",
    "PNAME_NS",
    "VARIABLE",
    "Edit",
    "Token",
    "edited",
    "is_changing",
    "named_iris",
    "order_by",
    "position",
    "significant",
    "token_at",
    "tokens",
]


_NAME: Final = r"[^\W\d](?:[\w.\-\u00B7]*[\w\-\u00B7])?"
_LOCAL: Final = r"(?:[\w:\-\u00B7.]|%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%])"
_SPACE: Final = r"[ \t\r\n]++"
_COMMENT: Final = r"\#[^\r\n]*+"
GAP: Final = rf"(?:{_SPACE}|{_COMMENT})*+"
"""Pattern of what may stand between two tokens. Like those of tokens it gives nothing back, so that
a larger pattern built from them reads a text as the lexer does."""
IRI: Final = r"""<(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+>"""
VARIABLE: Final = r"[?$]\w++"
PNAME_NS: Final = rf"(?!_:\w)(?:{_NAME})?:"  # and no blank node
PNAME: Final = rf"{PNAME_NS}{_LOCAL}*+"

_KEPT_CHARACTERS: Final = 20_000
"""Up to this length the tokens of a text are remembered for the next rule that looks at it."""
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>{_SPACE})
  | (?P<comment>{_COMMENT})
  | (?P<iri>{IRI})
  | (?P<string>
        '''(?:'{{0,2}}+(?:[^'\\]|\\.))*+'''
      | \"\"\"(?:"{{0,2}}+(?:[^"\\]|\\.))*+\"\"\"
      | '(?:[^'\\\r\n]|\\.)*+'
      | "(?:[^"\\\r\n]|\\.)*+"
    )
  | (?P<variable>{VARIABLE})
  | (?P<blank>_:\w(?:[\w.\-\u00B7]*[\w\-\u00B7])?)
  | (?P<pname>{PNAME})
  | (?P<language>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+)
  | (?P<number>(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+)
  | (?P<word>[^\W\d]\w*+)
  | (?P<mark>\^\^|&&|\|\||<=|>=|!=|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_CHANGING: Final = {
    "now": re.compile(r"now\s*[(#]"),
    "rand": re.compile(r"rand\s*[(#]"),
    "uuid": re.compile(r"uuid\s*[(#]"),
    "service": re.compile(  # the word, not a part of a name; whom it asks follows
        r"(?<![a-z_?$:-])service(?![\w:-])\s*(?:silent\s*)?(?:[<?$#]|[^\s{}()<>]*:)"
    ),
}
"""What makes two answers to one query differ; also where it stands in a string or a comment.
A text without the word, which is found twenty times faster, cannot match its pattern."""
_HEAD: Final = re.compile(r"(?:\s*#[^\r\n]*)*")
"""The comments that a text begins with: no string is open there, so they are comments for certain.
The header of a saved query stands in them, and what it says in words ("now") changes nothing."""


Edit: TypeAlias = tuple[int, int, str]
"""From and to which character of a text, and the text to write there."""


class Token(NamedTuple):
    """One token.

    Attributes:
        kind: space, comment, iri, string, variable, blank, pname, language, number, word, mark.
        text: as written.
        start: offset of its first character.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether the token is one of these keywords, in whatever case."""
        return self.kind == "word" and self.text.upper() in words


def token_at(text: str, start: int) -> Token:
    """The token that begins at an offset inside the text."""
    match = _TOKEN.match(text, start)
    if match is None or match.lastgroup is None:  # the last branch takes any character
        return Token("mark", text[start], start)
    return Token(match.lastgroup, match[0], start)


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """All the tokens from an offset on, spaces and comments among them.

    >>> [token.text for token in tokens("ASK { ?s a 'SERVICE' }") if token.kind != "space"]
    ['ASK', '{', '?s', 'a', "'SERVICE'", '}']
    """
    # the last branch takes any character, so that the matches follow each other without a gap
    for match in _TOKEN.finditer(text, start):
        yield Token(match.lastgroup or "mark", match[0], match.start())


def significant(text: str, start: int = 0) -> Iterator[Token]:
    """The tokens from an offset on without spaces and comments."""
    if not start and len(text) <= _KEPT_CHARACTERS:
        return iter(_remembered(text))
    return (token for token in tokens(text, start) if token.kind not in ("space", "comment"))


@lru_cache(maxsize=8)
def _remembered(text: str) -> tuple[Token, ...]:
    """The significant tokens of a short text, which several rules read one after the other."""
    return tuple(token for token in tokens(text) if token.kind not in ("space", "comment"))


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def order_by(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens from the ORDER of the whole query on; none where it has none."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0 and token.is_word("ORDER"):
            return tokens[index:]
    return ()


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text with some edits made, none of which overlap; those of one place in their order."""
    pieces, offset = [], 0
    for start, end, replacement in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [text[offset:start], replacement]
        offset = end
    return "".join([*pieces, text[offset:]])


def named_iris(text: str) -> Iterator[tuple[Token, str]]:
    """Every IRI or prefixed name in a text, valid or not, beside its declarations; and its IRI.

    >>> [iri for _, iri in named_iris("PREFIX ex: <http://x/> ASK { ?s ex:p <http://y> }")]
    ['http://x/p', 'http://y']
    """
    declared = dict[str, str]()
    previous = last_but_one = Token("space", "", 0)
    for token in significant(text):
        if token.kind == "iri" and last_but_one.is_word("PREFIX"):
            declared[previous.text] = token.text[1:-1]
        elif not previous.is_word("PREFIX", "BASE"):
            if token.kind == "iri":
                yield token, token.text[1:-1]
            elif token.kind == "pname":
                prefix, _, local = token.text.partition(":")
                yield token, declared.get(f"{prefix}:", "") + local.replace("\\", "")
        previous, last_but_one = token, previous


def is_changing(text: str) -> bool:
    """Whether the answer to a query may be another one over the same data, as with ``NOW()``."""
    lowered = text.lower()
    if "\\u" in lowered:  # an escape may spell any of them, or the end of a comment
        return True
    head = _HEAD.match(lowered)
    lowered = lowered[head.end() if head else 0 :]
    return any(word in lowered and pattern.search(lowered) for word, pattern in _CHANGING.items())
