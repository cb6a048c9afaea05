"""Rows of the database in the shape that files and requests have, defaults left out, activation never in."""

from collections.abc import Iterable

from sqlalchemy import RowMapping

from authz_service.words import CustomerKind, Language, PaidBy, Plan

Object = dict[str, object]

_SUBSCRIPTION_DEFAULTS = {"plan": Plan.SUBSCRIPTION, "paid_by": PaidBy.CUSTOMER}


def person_object(row: RowMapping, other_provider_numbers: list[str]) -> Object:
    person: Object = {"id": row["id"], "name": row["name"], "email": row["email"]}
    if row["language"] != Language.ENGLISH:
        person["language"] = row["language"]
    if other_provider_numbers:
        person["other_provider_numbers"] = other_provider_numbers
    return person


def option_object(row: RowMapping) -> Object:
    euros, cents = divmod(row["price_cents"], 100)
    return {
        "id": row["id"],
        "name": row["name"],
        "for": row["subscription_kind"],
        "price": f"{euros}.{cents:02}",
    }


def customer_object(row: RowMapping, members: Iterable[RowMapping], subscriptions: Iterable[RowMapping]) -> Object:
    customer: Object = {"number": row["number"], "name": row["name"]}
    if row["kind"] != CustomerKind.RESIDENTIAL:
        customer["kind"] = row["kind"]
    listed = {
        "members": [{"person": member["person"], "role": member["role"]} for member in members],
        "subscriptions": [_subscription_object(subscription) for subscription in subscriptions],
    }
    return customer | {key: objects for key, objects in listed.items() if objects}


def _subscription_object(row: RowMapping) -> Object:
    return {
        key: row[key]
        for key in ("id", "kind", "number", "holder", "plan", "paid_by")
        if row[key] is not None and row[key] != _SUBSCRIPTION_DEFAULTS.get(key)
    }
