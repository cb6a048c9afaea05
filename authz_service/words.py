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


class Language(StrEnum):
    """What letters and messages are written in."""

    ENGLISH = "en"
    DUTCH = "nl"
    FRENCH = "fr"
    GERMAN = "de"


class AnswerSource(StrEnum):
    """Where an answer comes from: the memory, the memory while the policy engine does not answer, or the engine."""

    MEMORY = "memory"
    STALE_MEMORY = "stale_memory"
    ENGINE = "opa"


class Effect(StrEnum):
    """What follows from a take-over: the policy says which, the service carries them out."""

    PERSON_BECOMES_ADMINISTRATOR = "person_becomes_administrator"
    CURRENT_ADMINISTRATOR_BECOMES_USER = "current_administrator_becomes_user"
    CURRENT_ADMINISTRATOR_GETS_LETTER = "current_administrator_gets_letter"
    ACTIVATION_CODE_IS_USED = "activation_code_is_used"
    WRONG_ACTIVATION_CODE_COUNTS = "wrong_activation_code_counts"


class LetterState(StrEnum):
    """Where a letter of the outbox stands; failed is one that the mail server will never take."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class EntryKind(StrEnum):
    """What an entry of the journal is about."""

    DECISION = "decision"
    SEARCH = "search"
    TAKE_OVER = "take_over"
    TRIAL = "trial"
    CHANGE = "change"
    POLICY = "policy"
    REFUSAL = "refusal"
    SHADOW = "shadow"
    PRUNING = "pruning"
    REVIEW = "review"


class Durability(StrEnum):
    """When an answer may leave: once its entry is on disk, at once, or without an entry."""

    STRICT = "strict"
    BUFFERED = "buffered"
    OFF = "off"


class Scope(StrEnum):
    """What a caller's token may be used for."""

    DECIDE = "decide"
    ADMINISTRATORS = "administrators"
    CUSTOMERS = "customers"
    AUDIT = "audit"


class Sought(StrEnum):
    """What a search looks for."""

    SUBJECT = "subject"
    RESOURCE = "resource"
    ACTION = "action"


class SubjectType(StrEnum):
    PERSON = "person"


class ResourceType(StrEnum):
    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"


class ActionName(StrEnum):
    """Every action there is; the policy's catalogue says which resource type each belongs to."""

    VIEW_BILLS = "view_bills"
    MANAGE_BILLS = "manage_bills"
    VIEW_PAYMENT_STATEMENTS = "view_payment_statements"
    MANAGE_PAYMENT_STATEMENTS = "manage_payment_statements"
    VIEW_PREMIUM_CLUB_POINTS = "view_premium_club_points"
    MANAGE_PREMIUM_CLUB_POINTS = "manage_premium_club_points"
    MANAGE_PROXIMUS_TV_ACCESS = "manage_proximus_tv_access"
    MANAGE_CLOUD_ACCESS = "manage_cloud_access"
    MANAGE_FOOT_11_ACCESS = "manage_foot_11_access"
    VIEW_ROLE = "view_role"
    BECOME_ADMINISTRATOR = "become_administrator"
    DELEGATE = "delegate"
    VIEW_USAGE = "view_usage"
    ACTIVATE_OPTION = "activate_option"
    DEACTIVATE_OPTION = "deactivate_option"


OPTION_ACTIONS = frozenset({ActionName.ACTIVATE_OPTION, ActionName.DEACTIVATE_OPTION})
"""The actions that name an option."""


class Risk(StrEnum):
    """What may be insecure, and what an operator may allow to be so."""

    CALLERS = "callers"
    KEYS = "keys"
    FILES = "files"
    TLS = "tls"
