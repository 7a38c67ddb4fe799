"""What another service answers to a request, whoever sends that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

__all__ = ["Fetch", "Fetched"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a request was answered with.

    Attributes:
        status: of the answer, 0 where there was none.
        media_type: of its body, without parameters.
        headers: its other headers, by their names in small letters.
        content: its body.
    """

    status: int
    media_type: str
    headers: Mapping[str, str]
    content: bytes

    def triples(self) -> list[ox.Triple]:
        """The statements in its body.

        Raises:
            ValueError: it is no RDF.
            SyntaxError: it is broken RDF.
        """
        form = ox.RdfFormat.from_media_type(self.media_type)
        if form is None:
            raise ValueError(f"{self.media_type or 'nothing'} is no RDF")
        return [quad.triple for quad in ox.parse(self.content, format=form)]


Fetch = Callable[[str, str, str], Fetched]
"""Sends a request: method, address, what is accepted."""
