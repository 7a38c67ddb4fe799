"""Token-level analysis of SPARQL queries and updates, and their rewriting for the engine."""
