"""A person, an option and a customer as files and requests give them.

These models know shapes. What must agree within one customer is in `rules.py`; `parsing.py` applies both and
is the only way in.
"""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from authz_service.words import CustomerKind, Language, PaidBy, Plan, Role, SubscriptionKind

OWN_SENTENCE = "own_sentence"
"""The type of the validation errors whose message is a sentence of ours."""

_WITHOUT_CONTROL = r"^[^\u0000-\u001f\u007f-\u009f]*$"
HALF_OF_A_PAIR = "must not hold half of a surrogate pair"

LONGEST_TEXT = 200
LONGEST_EMAIL_ADDRESS = 254
LONGEST_CODE = 100
CUSTOMER_NUMBER = re.compile(r"[0-9]{1,20}")
MOBILE_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PART_OF_ADDRESS = r"""[^\s\u0000-\u001f\u007f-\u009f@<>()\[\],;:"\\]+"""
EMAIL_ADDRESS = re.compile(f"{_PART_OF_ADDRESS}@{_PART_OF_ADDRESS}")


def fault(sentence: str) -> PydanticCustomError:
    return PydanticCustomError(OWN_SENTENCE, "{sentence}", {"sentence": sentence})


@dataclass(frozen=True)
class _Checked(AfterValidator):
    """A check, with what a JSON schema says of it."""

    schema: dict[str, object]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core_schema) | self.schema


def _text(longest: int) -> _Checked:
    def check(value: str) -> str:
        if not value:
            raise fault("must not be empty")
        if len(value) > longest:
            raise fault(f"must not be longer than {longest} characters")
        if not value.isprintable():
            categories = {unicodedata.category(character) for character in value}
            if "Cc" in categories:
                raise fault("must not hold control characters")
            if "Cs" in categories:
                raise fault(HALF_OF_A_PAIR)
        return value

    return _Checked(check, {"minLength": 1, "maxLength": longest, "pattern": _WITHOUT_CONTROL})


def _like(pattern: re.Pattern[str], sentence: str) -> _Checked:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise fault(sentence)
        return value

    return _Checked(check, {"pattern": f"^{pattern.pattern}$"})


_PRICE = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?")


def _cents(value: object) -> int:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    amount = _PRICE.fullmatch(value)
    if not amount:
        raise fault('must be a price such as "5.00"')
    return int(amount[1]) * 100 + int((amount[2] or "").ljust(2, "0"))


def _iso_date(value: object) -> object:
    if isinstance(value, str) and DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    elif type(value) is dt.date:
        return value
    raise fault("must be a date such as 2026-11-02")


def _unique(values: list[str]) -> list[str]:
    if len(set(values)) != len(values):
        raise fault("must not name a number twice")
    return values


Id = Annotated[str, _text(LONGEST_TEXT)]
Name = Annotated[str, _text(LONGEST_TEXT)]
CustomerNumber = Annotated[str, _like(CUSTOMER_NUMBER, "must be 1 to 20 digits")]
MobileNumber = Annotated[str, _like(MOBILE_NUMBER, 'must be a number in international form such as "+32470000001"')]
EmailAddress = Annotated[
    str,
    _text(LONGEST_EMAIL_ADDRESS),
    _like(EMAIL_ADDRESS, "must be an e-mail address such as ann@example.org"),
]
_PRICE_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_PRICE.pattern}$"})
# An enumeration given as its word: strict would want the Python object.
_lax = Field(strict=False)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Person(_Model):
    id: Id
    name: Name
    email: EmailAddress
    language: Annotated[Language, _lax] = Language.ENGLISH
    other_provider_numbers: Annotated[list[MobileNumber], _Checked(_unique, {"uniqueItems": True})] = []


class Option(_Model):
    """Free when its price is 0. Cents keep a price exact."""

    id: Id
    name: Name
    subscription_kind: Annotated[SubscriptionKind, _lax] = Field(alias="for")
    price_cents: Annotated[int, BeforeValidator(_cents), _PRICE_SCHEMA] = Field(alias="price")


class Activation(_Model):
    """An activation code as it is issued. Source: ELIG-1."""

    code: Annotated[str, _text(LONGEST_CODE)]
    date: Annotated[dt.date, BeforeValidator(_iso_date)]


class Member(_Model):
    person: Id
    role: Annotated[Role, _lax]


class Mobile(_Model):
    id: Id
    kind: Literal[SubscriptionKind.MOBILE]
    number: MobileNumber
    holder: Id
    plan: Annotated[Plan, _lax] = Plan.SUBSCRIPTION
    paid_by: Annotated[PaidBy, _lax] = PaidBy.CUSTOMER


class OtherSubscription(_Model):
    """Anything but a mobile has neither number nor holder."""

    id: Id
    kind: Literal[SubscriptionKind.INTERNET, SubscriptionKind.TV, SubscriptionKind.LANDLINE, SubscriptionKind.OTHER]


Subscription = Annotated[Mobile | OtherSubscription, Field(discriminator="kind")]


class Customer(_Model):
    """One customer number with everything on it. Source: ROLE-1."""

    number: CustomerNumber
    name: Name
    kind: Annotated[CustomerKind, _lax] = CustomerKind.RESIDENTIAL
    activation: Activation | None = None
    members: list[Member] = []
    subscriptions: list[Subscription] = []
