"""Validation of data against SHACL shapes, and of its words against the vocabulary.

`coprod_kg.validation.report` holds the plain values and may be imported anywhere;
`coprod_kg.validation.shacl` brings pySHACL and rdflib and belongs in a child process.
"""
