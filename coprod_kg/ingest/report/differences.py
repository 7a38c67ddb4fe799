"""Changes of a submission as lines of text."""

from collections.abc import Iterator, Sequence

from coprod_kg.ingest.history import Difference

__all__ = ["as_lines"]

_SIGNS = {"new": "New", "gone": "Gone", "changed": "Changed"}


def as_lines(found: Sequence[Difference]) -> str:
    """One paragraph for each resource, with control characters of the data replaced."""
    text = "\n".join(line for one in found for line in _lines(one)) or "Nothing changed."
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def _lines(one: Difference) -> Iterator[str]:
    yield f"{_SIGNS[one.kind]}: {one.thing}"
    for sign, pairs in (("-", one.removed), ("+", one.added)):
        for name, value in pairs:
            yield f"  {sign} {name}: {' '.join(value.split())[:200]}"
