"""What follows from what was said; it never changes what was said."""
