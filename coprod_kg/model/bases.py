"""Which bases of a claim are secondary coding, never to be shown as an organisation's own word."""

from typing import Final

from coprod_kg.model.namespaces import expand

__all__ = ["SECONDARY", "is_secondary"]

SECONDARY: Final = frozenset({expand("basis:secondary-coding"), expand("basis:adjudicated-coding")})
"""Coding by a reader of published sources, and the decision between two such codings."""


def is_secondary(basis: str) -> bool:
    """Whether this basis, an IRI, is secondary coding."""
    return basis in SECONDARY
