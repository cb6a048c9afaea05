"""Access reviews: who may do what on one customer number today, signed off, and what has changed since the last."""
