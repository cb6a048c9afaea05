"""What `policy check` looks at, one thing a module; each gives faults at file and line."""
