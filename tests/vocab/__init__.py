"""What the concept schemes have to hold, and the claims about their content."""
