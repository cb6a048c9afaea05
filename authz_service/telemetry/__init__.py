"""What the service tells of itself: numbers for Prometheus, traces for OpenTelemetry."""
