"""Refused requests: each is counted, and kept in the journal as far as that cannot be used to fill it."""

import threading
import time
from collections import Counter as CountOf
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

from flask import request

from authz_service.journal.entries import Origin
from authz_service.journal.journal import Journal
from authz_service.telemetry.tally import Tally
from authz_service.web.origins import origin_of_request
from authz_service.words import Scope

AT_ONCE, A_SECOND = 10, 1
"""Refusals of one address or caller that are kept one by one."""
AT_ONCE_OF_ALL, A_SECOND_OF_ALL = 100, 10
COUNTS_EVERY_SECONDS = 10.0
_EXACT_SECONDS = 1e-6
_MOST_KNOWN = 10_000
REFUSALS = "authz_refusals"


class Refusals:
    """Keeps and counts.

    Args:
        journal: Keeps who was refused.
        tally: Counts how many were, by status and endpoint.
        clock: What time it is, in seconds.
    """

    def __init__(self, journal: Journal, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal = journal
        self._clock = clock
        self._tally = tally
        # Who was refused, and when there will be room for all that may come at once again.
        self._room_at: dict[str, float] = {}
        self._not_kept: CountOf[tuple[int, str, str]] = CountOf()
        self._told_at = clock()
        self._changing = threading.Lock()

    def note(self, status: int, scope: Scope) -> bool:
        """The request is refused; whether there is an entry of its own about that."""
        endpoint = request.endpoint or ""
        self._tally.count(REFUSALS, endpoint, str(int(status)))
        origin = origin_of_request()
        with self._changing:
            is_kept = self._has_room(f"caller {origin.caller}" if origin.caller else _peer())
            if not is_kept:
                self._not_kept[int(status), endpoint, scope] += 1
        if is_kept:
            self._journal.refused(origin, status, endpoint, scope)
        return is_kept

    def tell(self, *, at_once: bool = False) -> None:
        """Keeps how many refusals were not kept one by one, where it is time to."""
        with self._changing:
            if not at_once and self._clock() - self._told_at < COUNTS_EVERY_SECONDS:
                return
            counts, self._not_kept, self._told_at = self._not_kept, CountOf(), self._clock()
        for (status, endpoint, scope), number in counts.items():
            self._journal.refused(Origin(""), status, endpoint, scope, number)

    def _has_room(self, who: str) -> bool:
        now = self._clock()
        if len(self._room_at) >= _MOST_KNOWN:
            self._room_at = {one: at for one, at in self._room_at.items() if at > now}
        if len(self._room_at) >= _MOST_KNOWN:
            return False
        of_one = max(self._room_at.get(who, now), now)
        of_all = max(self._room_at.get("", now), now)
        is_full = of_one - now > (AT_ONCE - 1) / A_SECOND + _EXACT_SECONDS
        if is_full or of_all - now > (AT_ONCE_OF_ALL - 1) / A_SECOND_OF_ALL + _EXACT_SECONDS:
            return False
        self._room_at[who], self._room_at[""] = of_one + 1 / A_SECOND, of_all + 1 / A_SECOND_OF_ALL
        return True


def _peer() -> str:
    """Where the request comes from: whoever has one address of a network of IPv6 has all of its /64."""
    address = request.environ.get("REMOTE_ADDR", "")
    try:
        peer = ip_address(address)
    except ValueError:
        return "nowhere"
    return str(ip_network((peer, 64), strict=False)) if isinstance(peer, IPv6Address) else address
