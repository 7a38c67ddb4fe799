"""Changes of a submission as lines of text."""

from collections.abc import Iterator, Sequence

from coprod_kg.ingest.history import Difference

__all__ = ["as_lines"]

_SIGNS = {"new": "New", "gone": "Gone", "changed": "Changed"}


def as_lines(found: Sequence[Difference]) -> str:
    """One paragraph for each resource, with control characters of the data replaced."""
    text = (
        "\n".join(line for difference in found for line in _lines(difference)) or "Nothing changed."
    )
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd"
        for character in text
    )


def _lines(difference: Difference) -> Iterator[str]:
    yield f"{_SIGNS[difference.kind]}: {difference.thing}"
    for sign, pairs in (("-", difference.removed), ("+", difference.added)):
        for name, value in pairs:
            yield f"  {sign} {name}: {' '.join(value.split())[:200]}"
