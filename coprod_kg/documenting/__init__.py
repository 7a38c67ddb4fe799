"""The model told to people: ontology, shapes, schemes, pictures; it never opens a store."""
