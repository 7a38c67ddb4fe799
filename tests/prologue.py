"""The prefixes of the model as SPARQL writes them."""

from coprod_kg.model.namespaces import prefixes

__all__ = ["PROLOGUE"]

PROLOGUE = "".join(f"PREFIX {prefix}: <{space}>\n" for prefix, space in prefixes().items())
