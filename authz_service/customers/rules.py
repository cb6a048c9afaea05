"""What must agree within one customer."""

from collections.abc import Iterator

from authz_service.words import CustomerKind, Role, SubscriptionKind

Location = tuple[str | int, ...]

_Items = list[tuple[int, dict[str, object]]]

_WITHOUT_HOLDER = tuple(kind for kind in SubscriptionKind if kind != SubscriptionKind.MOBILE)


def broken_rules(customer: object) -> Iterator[tuple[Location, str]]:
    """Where a customer contradicts itself, and a sentence that says how.

    Takes the customer as it came in, well-formed or not, so that a slip elsewhere hides no contradiction.
    """
    if not isinstance(customer, dict):
        return
    members = list(objects_in(customer, "members"))
    subscriptions = list(objects_in(customer, "subscriptions"))
    yield from _repeated("members", "person", members, "is a member already (ROLE-2)")
    if customer.get("kind", CustomerKind.RESIDENTIAL) == CustomerKind.RESIDENTIAL:
        administrators = [index for index, member in members if member.get("role") == Role.ADMINISTRATOR]
        for index in administrators[1:]:
            yield ("members", index, "role"), "a residential customer number has one administrator (ROLE-3)"
    persons = {person for _, member in members if isinstance(person := member.get("person"), str)}
    for index, subscription in subscriptions:
        holder = subscription.get("holder")
        may_have_holder = subscription.get("kind") not in _WITHOUT_HOLDER
        if may_have_holder and isinstance(holder, str) and holder not in persons:
            yield ("subscriptions", index, "holder"), "must be one of the members"
    yield from _repeated("subscriptions", "id", subscriptions, "is the id of another subscription here")
    yield from _repeated("subscriptions", "number", subscriptions, "is the number of another mobile here")


def objects_in(customer: dict[str, object], key: str) -> Iterator[tuple[int, dict[str, object]]]:
    """The objects in a list that should hold nothing else, each with its index."""
    items = customer.get(key)
    if isinstance(items, list):
        yield from ((index, item) for index, item in enumerate(items) if isinstance(item, dict))


def _repeated(list_name: str, key: str, items: _Items, sentence: str) -> Iterator[tuple[Location, str]]:
    seen: set[str] = set()
    for index, item in items:
        value = item.get(key)
        if isinstance(value, str):
            if value in seen:
                yield (list_name, index, key), sentence
            seen.add(value)
