"""Submissions: reading, validating, assessing and committing files; history and roll-back."""
