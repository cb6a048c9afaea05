"""Policy-as-code authorization for a telecom's customer zone."""
