"""How an answer is written: media types, negotiation, tables, workbooks, pictures."""
