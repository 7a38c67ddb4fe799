"""Output formats of answers: media types, negotiation, tables, workbooks, charts."""
