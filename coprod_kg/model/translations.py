"""Reader of gettext catalogues (``.po``): an English text and what it is in another language."""

import re
from ast import literal_eval
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["read_catalogue"]

_ENTRY: Final = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) (".*")$|^(".*")$')


@cache
def read_catalogue(path: Path) -> dict[str, tuple[str, ...]]:
    """The entries of a catalogue: English → its translation, or its forms for one and for several.

    An entry without a translation is left out; a language without a file has no entries.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n\s*\n", text):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            match = _ENTRY.match(line.strip())
            if match:
                name = match[1] or name
                parts[name] = parts.get(name, "") + str(literal_eval(match[2] or match[3]))
        forms = tuple(value for key, value in parts.items() if key.startswith("msgstr") and value)
        if parts.get("msgid") and forms:
            found[parts["msgid"]] = forms
    return found
