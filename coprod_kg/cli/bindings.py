"""``-p KEY=VALUE`` on a command line as values of parameters; it never checks what they mean."""

from collections.abc import Sequence

from coprod_kg.errors import WrongUsage

__all__ = ["bound"]


def bound(params: Sequence[str]) -> dict[str, list[str]]:
    """The values in pairs, several for a key that is there several times.

    Raises:
        WrongUsage: one is no such pair.

    >>> bound(["stage=project", "stage=culture"])
    {'stage': ['project', 'culture']}
    """
    values: dict[str, list[str]] = {}
    for pair in params:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(f"{pair!r} is not KEY=VALUE", where="-p", fix="Write -p stage=project")
        values.setdefault(key, []).append(value)
    return values
