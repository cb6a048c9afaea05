"""Pages for those who read policies, not code."""
