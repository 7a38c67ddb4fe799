"""The HTTP server: the ASGI application that granian runs, its processes, and quick lookups."""

from typing import Final

__all__ = ["FILLED"]

FILLED: Final = "COPROD_FILLED"
"""The environment variable with the descriptor that can be read at its end once the store holds
what it is to begin with; the web processes load meanwhile. Without it they listen at once."""
