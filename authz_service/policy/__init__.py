"""What authors and reviewers use: every situation judged, what an edit changes, and whether a promise holds."""
