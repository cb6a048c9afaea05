"""What a person brings to a take-over."""

import datetime as dt
from typing import NamedTuple

from authz_service.journal.entries import Origin
from authz_service.words import Channel


class Activation(NamedTuple):
    """What a person has from the letter that issued it. Source: ELIG-1."""

    code: str
    date: dt.date


class Wish(NamedTuple):
    """A person wants to become administrator of a customer number, now.

    Attributes:
        origin: Who brings it.
    """

    customer_number: str
    person: str
    channel: Channel
    is_current_administrator_informed: bool
    activation: Activation | None
    origin: Origin
