"""The writing road: a file is read, validated, assessed and committed."""
