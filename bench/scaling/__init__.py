"""What a decision, a page, a start and a change of policy cost when there is much of everything."""
