"""The chart that lies beside a saved query: its specification, captions and checks."""
