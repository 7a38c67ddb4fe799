"""Whether data is what the shapes ask for; it never changes the data.

`coprod_kg.validation.report` holds the plain values and may be imported anywhere;
`coprod_kg.validation.shacl` brings pySHACL and rdflib and belongs in a child process.
"""
