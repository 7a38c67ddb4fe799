"""coprod-kg: a knowledge graph on how co-production of public services is mainstreamed."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coprod_kg.client import connect

__all__ = ["__version__", "connect"]

__version__ = version("coprod-kg")


def __getattr__(name: str) -> Any:
    """What notebooks use, imported only when it is used: importing the package stays cheap."""
    if name == "connect":
        return import_module("coprod_kg.client").connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
