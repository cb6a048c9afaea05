"""How a moment is told on a page."""

from datetime import UTC, datetime


def told_moment(at: datetime) -> str:
    """Such as "3 November 2026, 09:05 UTC"."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
