"""What makes a checkout work: run as `python -m tools.…` from its root, with the standard library alone."""
