"""The policy as relations, for the actions that are asked about."""

from typing import TypeAlias

_Json: TypeAlias = dict[str, object]

# In OpenFGA's own language (a candidate holds a mobile on the bill that the customer pays for):
#
#     type customer
#         define administrator: [person]
#         define user: [person]
#         define candidate: [person with outside_the_app]
#         define view_bills: administrator
#         define view_role: administrator or user
#         define become_administrator: candidate but not administrator
#     type subscription
#         define customer: [customer]
#         define holder: [person]
#         define chosen: [option]
#         define view_usage: administrator from customer or holder
#         define activate_option: (administrator from customer and offered from chosen) or (holder and free from chosen)
#     type option
#         define offered: [person:*]
#         define free: [person:*]

_DIRECT: _Json = {"this": {}}
_PERSON: _Json = {"type": "person"}


def _of(relation: str) -> _Json:
    return {"computedUserset": {"relation": relation}}


def _from(relation: str, there: str) -> _Json:
    return {"tupleToUserset": {"tupleset": {"relation": there}, "computedUserset": {"relation": relation}}}


def _any(*children: _Json) -> _Json:
    return {"union": {"child": list(children)}}


def _all(*children: _Json) -> _Json:
    return {"intersection": {"child": list(children)}}


def _but_not(base: _Json, subtract: _Json) -> _Json:
    return {"difference": {"base": base, "subtract": subtract}}


def _type(name: str, holders: dict[str, _Json], rules: dict[str, _Json]) -> _Json:
    """A type with relations that tuples state, each with who can be in it, and others that follow from those."""
    stated = {relation: {"directly_related_user_types": [holder]} for relation, holder in holders.items()}
    return {
        "type": name,
        "relations": {**dict.fromkeys(holders, _DIRECT), **rules},
        "metadata": {"relations": stated},
    }


MODEL: _Json = {
    "schema_version": "1.1",
    "type_definitions": [
        {"type": "person"},
        _type(
            "customer",
            {
                "administrator": _PERSON,
                "user": _PERSON,
                "candidate": {**_PERSON, "condition": "outside_the_app"},
            },
            {
                "view_bills": _of("administrator"),
                "view_role": _any(_of("administrator"), _of("user")),
                "become_administrator": _but_not(_of("candidate"), _of("administrator")),
            },
        ),
        _type(
            "subscription",
            {"customer": {"type": "customer"}, "holder": _PERSON, "chosen": {"type": "option"}},
            {
                "view_usage": _any(_from("administrator", "customer"), _of("holder")),
                "activate_option": _any(
                    _all(_from("administrator", "customer"), _from("offered", "chosen")),
                    _all(_of("holder"), _from("free", "chosen")),
                ),
            },
        ),
        _type("option", {"offered": {**_PERSON, "wildcard": {}}, "free": {**_PERSON, "wildcard": {}}}, {}),
    ],
    "conditions": {
        "outside_the_app": {
            "name": "outside_the_app",
            "expression": 'channel != "app"',
            "parameters": {"channel": {"type_name": "TYPE_NAME_STRING"}},
        }
    },
}
