"""Policy-as-code authorization for a telecom's customer zone."""

__version__ = "0.1.0"
