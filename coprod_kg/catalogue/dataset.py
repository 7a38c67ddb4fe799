"""Whether a query says over which graphs it is asked; it never judges which.

The engine would let the union of all graphs win over FROM without a word, so whoever asks has to
know. FROM is found also where it is glued to its neighbours, as Oxigraph reads ``ASKFROM:g``.
"""

import re
from typing import Final

from coprod_kg.catalogue.tokens import Token, significant

__all__ = ["names_its_dataset"]

_AT_FROM: Final = re.compile(r"(?:ask|construct)?from", re.IGNORECASE)
_AFTER_FROM: Final = re.compile(r"from(?:named)?$", re.IGNORECASE)


def names_its_dataset(text: str) -> bool:
    """Whether it says FROM, also where that is glued to its neighbours (``ASKFROM:g``).

    A name such as ``from:g`` is taken for a name where its prefix is declared and a name may be.
    """
    if not re.search("from", text, re.IGNORECASE):
        return False  # no token can hold it
    declared, depth, before = set[str](), 0, Token("space", "", 0)
    describes = False
    for token in significant(text, 0):
        if token.text == "{" and depth == 0 and not before.is_word("CONSTRUCT"):
            return False  # the pattern begins: no FROM comes after it
        depth += {"{": 1, "(": 1, "}": -1, ")": -1}.get(token.text, 0)
        describes = describes or token.is_word("DESCRIBE")
        if token.kind == "pname":
            prefix = token.text.partition(":")[0]
            if before.is_word("PREFIX"):
                declared.add(prefix)
            elif _AT_FROM.match(prefix) and (prefix not in declared or not (describes or depth)):
                return True
        named = token.kind in ("iri", "pname") or token.is_word("NAMED")
        if named and before.kind == "word" and _AFTER_FROM.search(before.text):
            return True
        before = token
    return False
