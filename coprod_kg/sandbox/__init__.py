"""Child processes under a deadline and a memory cap: limits, framing, exit status."""
