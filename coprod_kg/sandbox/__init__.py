"""A child process under deadline and memory cap: its limits, its frames, how it ended."""
