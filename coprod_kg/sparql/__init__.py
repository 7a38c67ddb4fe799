"""What can be known of a query or an update by its tokens, and its respelling for the engine."""
