"""The model of this installation: ontology, schemes, shapes and prefixes as frozen values."""
