"""The report on a submission for people and programs: text, page, Turtle, workbook.

It decides nothing and changes no data; what it shows was found on the writing road.
"""
