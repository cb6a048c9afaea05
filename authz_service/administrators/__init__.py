"""Becoming administrator: one transaction, and the letters that follow from it."""
