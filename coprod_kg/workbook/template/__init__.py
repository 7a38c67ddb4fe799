"""The template: the workbook and the CSV files that people fill in.

Its sheets, columns and lists are those of `coprod_kg.workbook.sheets`, made from the shapes and
schemes, so that what is written here is what is read there.
"""

from coprod_kg.workbook.template.folder import as_files
from coprod_kg.workbook.template.workbook import as_workbook

__all__ = ["as_files", "as_workbook"]
