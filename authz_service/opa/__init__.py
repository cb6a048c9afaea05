"""The only room that knows OPA."""
