"""What would make the service insecure, found before it starts: weak keys, loose files, roads that others can read."""
