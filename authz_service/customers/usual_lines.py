"""Takes a line of NDJSON that is right and in the usual form, at a fraction of what the model costs.

Whatever is taken here the model takes too, and the rows are the same: a property in the tests holds that. All else is
left to the model, be it right or wrong, so that every fault is found and worded in one place.
"""

import datetime as dt
import json
import re
from collections.abc import Collection
from typing import Any

from authz_service.customers import staging
from authz_service.customers.activation_code import FindKey, digest
from authz_service.customers.model import (
    CUSTOMER_NUMBER,
    DATE,
    EMAIL_ADDRESS,
    LONGEST_CODE,
    LONGEST_EMAIL_ADDRESS,
    LONGEST_TEXT,
    MOBILE_NUMBER,
)
from authz_service.customers.record import RecordKind
from authz_service.customers.staging import Row, Rows
from authz_service.words import CustomerKind, Language, PaidBy, Plan, Role, SubscriptionKind

# Plain strings, which are compared and handed on faster than members of an enumeration.
_PERSON, _CUSTOMER = RecordKind.PERSON.value, RecordKind.CUSTOMER.value
_ENGLISH, _LANGUAGES = Language.ENGLISH.value, tuple(word.value for word in Language)
_RESIDENTIAL, _CUSTOMER_KINDS = CustomerKind.RESIDENTIAL.value, tuple(word.value for word in CustomerKind)
_ADMINISTRATOR, _ROLES = Role.ADMINISTRATOR.value, tuple(word.value for word in Role)
_SUBSCRIPTION, _PLANS = Plan.SUBSCRIPTION.value, tuple(word.value for word in Plan)
_BY_CUSTOMER, _PAYERS = PaidBy.CUSTOMER.value, tuple(word.value for word in PaidBy)
_MOBILE = SubscriptionKind.MOBILE.value
_WITHOUT_HOLDER = tuple(word.value for word in SubscriptionKind if word is not SubscriptionKind.MOBILE)

_KEYS_OF_PERSON = frozenset({"id", "name", "email", "language", "other_provider_numbers"})
_KEYS_OF_CUSTOMER = frozenset({"number", "name", "kind", "activation", "members", "subscriptions"})
_KEYS_OF_ACTIVATION = frozenset({"code", "date"})
_KEYS_OF_MEMBER = frozenset({"person", "role"})
_KEYS_OF_MOBILE = frozenset({"id", "kind", "number", "holder", "plan", "paid_by"})
_KEYS_OF_OTHERS = frozenset({"id", "kind"})

_decode = json.JSONDecoder().raw_decode
_LINE_ENDS = ("\n", "\r\n", "")


class _Unusual(Exception):
    """The model has to judge."""


def usual_rows(file: int, line: int, content: bytes, find_key: FindKey) -> Rows | None:
    """The rows to stage for a person or a customer, or None where the model has to judge.

    Args:
        file: The index of the file.
        line: The number of the line, from 1.
        content: The line, with its end or without.
        find_key: For an activation code.
    """
    members = usual_members(content)
    if members is None or len(members) != 1:
        return None
    [(kind, record)] = members.items()
    return usual_record(file, line, kind, record, content.count(b'"'), find_key)


def usual_members(content: bytes) -> dict[str, Any] | None:
    """The members of the object in a line; of a repeated one the last, which `usual_record` finds by the quotes."""
    try:
        text = content.decode()
        value, end = _decode(text)
    except (ValueError, RecursionError):
        return None
    return value if text[end:] in _LINE_ENDS and type(value) is dict else None


def usual_record(file: int, line: int, kind: str, record: object, quotes: int, find_key: FindKey) -> Rows | None:
    """The same as `usual_rows`, for one member of the object in a line.

    Args:
        file: The index of the file.
        line: The number of the line, from 1.
        kind: The name of the member.
        record: Its value.
        quotes: How many quotes the line has, but for those of its other members.
        find_key: For an activation code.
    """
    try:
        if kind == _PERSON:
            return _person((file, line, None), record, quotes)
        if kind == _CUSTOMER:
            return _customer((file, line, None), record, quotes, find_key)
    except (ValueError, _Unusual):
        pass
    return None


# File, line and record, with which every row begins.
_Origin = tuple[int, int, None]


def _person(origin: _Origin, record: object, quotes: int) -> Rows:
    person = _object(record, _KEYS_OF_PERSON)
    own_id, name = _text(person.get("id")), _text(person.get("name"))
    email = _like(EMAIL_ADDRESS, _text(person.get("email"), LONGEST_EMAIL_ADDRESS))
    language = _one_of(_LANGUAGES, person.get("language", _ENGLISH))
    rows: Rows = {staging.PEOPLE: [(*origin, None, own_id, name, email, language)]}
    strings = 2 * len(person)
    if "other_provider_numbers" in person:
        numbers = _list(person["other_provider_numbers"])
        seen: set[str] = set()
        rows[staging.OTHER_PROVIDER_NUMBERS] = [
            (*origin, index, _new(_like(MOBILE_NUMBER, number), seen), own_id) for index, number in enumerate(numbers)
        ]
        strings += len(numbers) - 1
    _refuse_repeated_members(strings, quotes)
    return rows


def _customer(origin: _Origin, record: object, quotes: int, find_key: FindKey) -> Rows:
    customer = _object(record, _KEYS_OF_CUSTOMER)
    number, name = _like(CUSTOMER_NUMBER, customer.get("number")), _text(customer.get("name"))
    kind = _one_of(_CUSTOMER_KINDS, customer.get("kind", _RESIDENTIAL))
    rows: Rows = {}
    strings = 2 * len(customer)
    persons: set[str] = set()
    if "members" in customer:
        members = _list(customer["members"])
        rows[staging.MEMBERS] = _members(origin, members, number, kind, persons)
        strings += 4 * len(members) - 1
    if "subscriptions" in customer:
        subscriptions = _list(customer["subscriptions"])
        rows[staging.SUBSCRIPTIONS] = _subscriptions(origin, subscriptions, number, persons)
        strings += 2 * sum(map(len, subscriptions)) - 1
    if "activation" in customer:
        code, date = _activation(customer["activation"])
        strings += 4 - 1
        _refuse_repeated_members(strings, quotes)
        code = digest(find_key(), number, code, date)
    else:
        code = None
        _refuse_repeated_members(strings, quotes)
    rows[staging.CUSTOMERS] = [(*origin, None, number, name, kind, code, True)]
    return rows


def _activation(value: object) -> tuple[str, dt.date]:
    activation = _object(value, _KEYS_OF_ACTIVATION)
    date = _like(DATE, activation.get("date"))
    return _text(activation.get("code"), LONGEST_CODE), dt.date.fromisoformat(date)


def _members(origin: _Origin, members: list[Any], customer: str, kind: str, persons: set[str]) -> list[Row]:
    rows: list[Row] = []
    administrators = 0
    for index, value in enumerate(members):
        member = _object(value, _KEYS_OF_MEMBER)
        person, role = _new(_text(member.get("person")), persons), _one_of(_ROLES, member.get("role"))
        rows.append((*origin, index, customer, person, role, kind))
        administrators += role == _ADMINISTRATOR
    if administrators > 1 and kind == _RESIDENTIAL:
        raise _Unusual
    return rows


def _subscriptions(origin: _Origin, subscriptions: list[Any], customer: str, persons: set[str]) -> list[Row]:
    rows: list[Row] = []
    ids: set[str] = set()
    numbers: set[str] = set()
    _, line, _ = origin
    for index, value in enumerate(subscriptions):
        subscription = _object(value, _KEYS_OF_MOBILE)
        own_id, kind = _new(_text(subscription.get("id")), ids), subscription.get("kind")
        if kind == _MOBILE:
            number = _new(_like(MOBILE_NUMBER, subscription.get("number")), numbers)
            holder = _one_of(persons, subscription.get("holder"))
            plan = _one_of(_PLANS, subscription.get("plan", _SUBSCRIPTION))
            payer = _one_of(_PAYERS, subscription.get("paid_by", _BY_CUSTOMER))
            rows.append((*origin, index, customer, own_id, kind, number, line, holder, plan, payer))
        else:
            _object(value, _KEYS_OF_OTHERS)
            kind = _one_of(_WITHOUT_HOLDER, kind)
            rows.append((*origin, index, customer, own_id, kind, None, line, None, None, None))
    return rows


def _refuse_repeated_members(strings: int, quotes: int) -> None:
    # Of a repeated member the decoder leaves the last, so that the line has more strings than were judged; every value
    # that was judged is a string or made of strings. The one more is the kind of record. A quote within a string makes
    # the line have more quotes, never less, and is left to the model.
    if quotes != 2 * (1 + strings):
        raise _Unusual


def _object(value: object, keys: frozenset[str]) -> dict[str, Any]:
    if type(value) is dict and value.keys() <= keys:
        return value
    raise _Unusual


def _list(value: object) -> list[Any]:
    if type(value) is list:
        return value
    raise _Unusual


def _text(value: object, longest: int = LONGEST_TEXT) -> str:
    # Control characters are not printable, and some others are not that may be in a text.
    if type(value) is str and 0 < len(value) <= longest and value.isprintable():
        return value
    raise _Unusual


def _like(pattern: re.Pattern[str], value: object) -> str:
    if type(value) is str and pattern.fullmatch(value):
        return value
    raise _Unusual


def _new(value: str, seen: set[str]) -> str:
    if value in seen:
        raise _Unusual
    seen.add(value)
    return value


def _one_of(words: Collection[str], value: object) -> str:
    if type(value) is str and value in words:
        return value
    raise _Unusual
