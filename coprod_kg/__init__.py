"""coprod-kg: a knowledge graph on how co-production of public services is mainstreamed."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coprod_kg.client import connect

__all__ = ["__version__", "connect"]

__version__: str


def __getattr__(name: str) -> Any:
    """The version, and what notebooks use, looked up when first used.

    Importing the package stays cheap, for each process of the service and each command does so.
    """
    if name == "connect":
        return import_module("coprod_kg.client").connect
    if name == "__version__":
        return import_module("importlib.metadata").version("coprod-kg")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
