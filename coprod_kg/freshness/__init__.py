"""When each saved query was last run, and whether it has rows; it never changes the data."""
