"""The database: its tables, how it is reached, and how it is brought up to date."""
