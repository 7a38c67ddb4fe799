"""When each saved query was last run, and whether it had rows."""
