"""Who is asked about: a household in which nobody takes over, and numbers that two people take from each other."""

from pathlib import Path
from typing import Any

import yaml

STABLE = "1000"
CONTESTED = [str(number) for number in range(2001, 2009)]
SIDES = ("ann", "ben")


def person(side: str, number: str) -> str:
    return f"{side}.{number}"


def write_households(file: Path) -> None:
    """Writes them; of each contested number, Ann is administrator in the beginning."""
    stable = _customer(STABLE, {"ada": "administrator", "uli": "user", "eve": "user"})
    stable["subscriptions"][2]["paid_by"] = "employer"
    contested = [
        _customer(number, {person("ann", number): "administrator", person("ben", number): "user"})
        for number in CONTESTED
    ]
    customers = [stable, *contested]
    names = [member["person"] for customer in customers for member in customer["members"]]
    people = [{"id": name, "name": name.title(), "email": f"{name}@example.org"} for name in names]
    file.write_text(yaml.safe_dump({"people": people, "options": [], "customers": customers}))


def _customer(number: str, roles: dict[str, str]) -> dict[str, Any]:
    return {
        "number": number,
        "name": f"Household {number}",
        "members": [{"person": name, "role": role} for name, role in roles.items()],
        "subscriptions": [
            {"id": f"mobile-of-{name}", "kind": "mobile", "number": f"+3247{number}{place:03}", "holder": name}
            for place, name in enumerate(roles)
        ],
    }
