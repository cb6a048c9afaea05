"""Questions and answers about the Smith family, for the API document."""

MARY_SEES_HER_USAGE = {
    "subject": {"type": "person", "id": "mary.jones"},
    "action": {"name": "view_usage"},
    "resource": {"type": "subscription", "id": "mobile-2002"},
    "context": {"channel": "app"},
}
SHE_MAY = {
    "decision": True,
    "context": {
        "role": "user",
        "policy_revision": "3db8ddd6ddafcf6f",
        "reasons": [
            {
                "code": "own_mobile_usage",
                "cites": ["USER-1"],
                "message": "This mobile is your own, so you may see its usage.",
            }
        ],
    },
}
SHE_MAY_NOT = {
    "decision": False,
    "context": {
        "role": "user",
        "policy_revision": "3db8ddd6ddafcf6f",
        "reasons": [
            {
                "code": "not_own_mobile",
                "cites": ["USER-1", "USER-2", "USER-3"],
                "message": "You are a user of this customer number, and this subscription is not your own mobile.",
            }
        ],
    },
}
