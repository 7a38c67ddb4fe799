"""The saved queries in a notebook: connect, ask, take a frame; it never changes data."""

from coprod_kg.notebook.citation import Citation
from coprod_kg.notebook.connection import Connection, Question, connect
from coprod_kg.notebook.result import Result

__all__ = ["Citation", "Connection", "Question", "Result", "connect"]
