"""The datasets of others that our data leads to, from ``ontology/linked.ttl``."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import pyoxigraph as ox

from coprod_kg.model.files import files
from coprod_kg.model.turtle import read

__all__ = ["linked_datasets", "linked_spaces"]

_SPACE = "http://rdfs.org/ns/void#uriSpace"


@cache
def linked_datasets() -> tuple[ox.Triple, ...]:
    """What is said of them."""
    return tuple(read(files("ontology") / "linked.ttl"))


@cache
def linked_spaces() -> Mapping[str, str]:
    """How the names in each begin → the dataset."""
    return MappingProxyType(
        {
            triple.object.value: triple.subject.value
            for triple in linked_datasets()
            if triple.predicate.value == _SPACE
            and isinstance(triple.subject, ox.NamedNode)
            and isinstance(triple.object, ox.Literal)
        }
    )
