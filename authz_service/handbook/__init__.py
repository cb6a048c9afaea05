"""What reviewers read: the facts with the rules, promises and cases that belong to them, and who may do what."""
