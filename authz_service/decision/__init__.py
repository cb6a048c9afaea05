"""The way of a decision: question, document, answer. `Domain` and `PolicyEngine` are its ends."""
