"""Check for control characters in texts that enter the store outside a submission."""

import re
from collections.abc import Callable
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import Unreadable
from coprod_kg.model.terms import CONTROL

__all__ = ["check_plain"]

_MAYBE: Final = re.compile(rb"\\[bfuU]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xef\xbf[\xbe\xbf]")
"""Where a line of N-Triples may hold one: most do not, and are not parsed for it."""


def check_plain(
    lines: bytes, graph: str | None = None, known: Callable[[ox.Triple], bool] = lambda _: False
) -> None:
    """Refuse a text with a control character, which no XML can hold.

    Args:
        lines: N-Triples.
        graph: where they are to go, for the message.
        known: whether a statement is there already: what entered long ago keeps nothing else out.

    Raises:
        Unreadable: says which statement it is.
    """
    if not _MAYBE.search(lines):
        return
    for line in lines.splitlines():
        for quad in ox.parse(line, ox.RdfFormat.N_TRIPLES) if _MAYBE.search(line) else ():
            text = quad.object.value if isinstance(quad.object, ox.Literal) else ""
            found = CONTROL.search(text)
            if found and not known(quad.triple):
                raise Unreadable(
                    f"the text at {quad.subject} {quad.predicate} holds a sign that nobody sees "
                    f"(U+{ord(found[0]):04X}), and that XML cannot hold",
                    where=f"graph {graph}" if graph else None,
                    fix="Write the text anew without it.",
                )
