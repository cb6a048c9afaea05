"""The way of a decision: question, document, answer. Two protocols, `Domain` and `PolicyEngine`, are its ends."""
