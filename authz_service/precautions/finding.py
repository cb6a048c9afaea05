"""Something that is insecure."""

from typing import NamedTuple

from authz_service.words import Risk


class Finding(NamedTuple):
    """One thing that is insecure.

    Attributes:
        risk: Its kind.
        is_fault: Whether the service does not start with it, unless that risk is allowed; else it is a warning.
        what: A sentence that begins with the setting or the file, and says how to mend it; without any secret.
    """

    risk: Risk
    is_fault: bool
    what: str
