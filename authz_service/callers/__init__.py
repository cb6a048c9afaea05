"""Who may call what: tokens and their scopes."""
