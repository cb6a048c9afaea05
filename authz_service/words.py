"""The closed vocabularies, spelled as in the requirements and the contract."""

from enum import StrEnum


class Role(StrEnum):
    """What a person linked to a customer number is. Source: ROLE-2."""

    ADMINISTRATOR = "administrator"
    USER = "user"


class CustomerKind(StrEnum):
    RESIDENTIAL = "residential"
    BUSINESS = "business"


class SubscriptionKind(StrEnum):
    """What a subscription is for. Source: ROLE-1."""

    INTERNET = "internet"
    MOBILE = "mobile"
    TV = "tv"
    LANDLINE = "landline"
    OTHER = "other"


class Plan(StrEnum):
    """How a mobile is paid for: on the bill, or prepaid. Source: ELIG-3."""

    SUBSCRIPTION = "subscription"
    PAY_AND_GO = "pay_and_go"


class PaidBy(StrEnum):
    """Who pays for a mobile subscription. Source: ELIG-4."""

    CUSTOMER = "customer"
    EMPLOYER = "employer"


class Channel(StrEnum):
    """Where the person is: the web site or the app. Source: TAKE-2."""

    WEB = "web"
    APP = "app"


class Scope(StrEnum):
    """What a caller's token may be used for."""

    DECIDE = "decide"
    ADMINISTRATORS = "administrators"
    CUSTOMERS = "customers"
    AUDIT = "audit"
