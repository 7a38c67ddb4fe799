"""The spreadsheet template, and reading a filled one: xlsx, CSV and zip."""
