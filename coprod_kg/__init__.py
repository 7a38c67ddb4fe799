"""coprod-kg: a knowledge graph on how co-production of public services is mainstreamed."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("coprod-kg")
