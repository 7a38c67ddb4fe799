"""The report on a submission: as text, page, RDF and marked workbook."""
