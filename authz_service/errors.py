"""Everything that can go wrong, as one tree.

AuthzServiceError
├── ConfigurationError          a setting, a file or a program is not as it has to be
├── InvalidInput                what was handed in breaks the contract: every fault is listed
│   ├── InvalidRequest          … by a caller, over HTTP (400)
│   ├── InvalidFile             … in a file of customer data
│   └── InvalidPolicy           … in the policy
├── NotFound                    404
│   ├── UnknownCustomer
│   ├── UnknownPerson
│   ├── UnknownOption
│   ├── UnknownLetter
│   ├── UnknownDecision
│   ├── UnknownReview
│   └── NotLinked
├── Conflict                    409
│   ├── AdministratorsChange    administrators change by a take-over alone
│   ├── StillInUse              something else refers to what should be deleted
│   ├── ReviewOutdated          what is to be signed off is no longer what was shown
│   └── NotYetSigned            an entry of the journal whose block is still open
├── StaleVersion                412
├── TakeOverRefused             403: the policy says no
├── ActionNotOpen               403: the caller may not ask about this action
├── NotSignedIn                 somebody has come back from the provider, and does not get in
│   ├── ProviderUnavailable     … as it does not answer, or not as the specification has it
│   ├── SignInDeclined          … as it says no, or the person has broken off
│   ├── SignInExpired           … as it took too long, or was begun elsewhere
│   ├── SignInNotHeld           … as what it says cannot be relied on
│   └── NotAllowed              … as it knows the person, and nothing lets that person read
└── Unavailable                 503: broken is never "no"
    ├── PolicyEngineUnavailable OPA does not answer
    ├── PolicyEngineMisbehaved  OPA answers, but not in the shape of an answer
    ├── DatabaseUnavailable
    ├── JournalUnavailable      what is not kept is not answered
    ├── MailServerUnavailable
    ├── IssuerUnavailable       the keys that an access token would be verified with cannot be had
    ├── PolicyNotReadable       pages have nothing to tell of a policy that is broken or not there
    └── PolicyBeingRead         … yet, of one that is still being judged
"""

from collections.abc import Sequence
from dataclasses import dataclass

from authz_service.questions import Reason


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where.

    Attributes:
        what: A sentence that says what is wrong and how to mend it, without the value at fault.
        path: The member, such as `customers[0].members[1].role`; empty for the whole.
        file: The file, as the person named it; empty for a request.
        line: The line in that file, from 1; 0 where there is none.
    """

    what: str
    path: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.what) if part)


class AuthzServiceError(Exception):
    """The root of what this service raises on purpose."""

    def for_operators(self) -> str:
        """What is wrong, in words for whoever runs the service, and not for who calls it."""
        return str(self)


class ConfigurationError(AuthzServiceError):
    """The message names the setting, file or program and how to mend it."""


class InvalidInput(AuthzServiceError):
    """Attributes: `faults`, every one found, never empty."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


class InvalidRequest(InvalidInput):
    pass


class InvalidFile(InvalidInput):
    pass


class InvalidPolicy(InvalidInput):
    pass


class NotFound(AuthzServiceError):
    pass


class UnknownCustomer(NotFound):
    pass


class UnknownPerson(NotFound):
    pass


class UnknownOption(NotFound):
    pass


class UnknownLetter(NotFound):
    pass


class UnknownDecision(NotFound):
    pass


class UnknownReview(NotFound):
    pass


class NotLinked(NotFound):
    pass


class Conflict(AuthzServiceError):
    pass


class AdministratorsChange(Conflict):
    pass


class StillInUse(Conflict):
    pass


class ReviewOutdated(Conflict):
    pass


class NotYetSigned(Conflict):
    pass


class StaleVersion(AuthzServiceError):
    pass


class Unavailable(AuthzServiceError):
    """Attributes: `more`, a sentence that is for operators alone, as it names servers, users or files; or nothing."""

    def __init__(self, what: str, more: str = "") -> None:
        self.more = more
        super().__init__(what)

    def for_operators(self) -> str:
        return f"{self} {self.more}".rstrip()


class PolicyEngineUnavailable(Unavailable):
    pass


class PolicyEngineMisbehaved(Unavailable):
    pass


class DatabaseUnavailable(Unavailable):
    def __init__(self, what: str = "The database does not answer or cannot be used.", more: str = "") -> None:
        super().__init__(what, more)


class JournalUnavailable(Unavailable):
    pass


class MailServerUnavailable(Unavailable):
    pass


class IssuerUnavailable(Unavailable):
    pass


class PolicyNotReadable(Unavailable):
    pass


class PolicyBeingRead(Unavailable):
    pass


class TakeOverRefused(AuthzServiceError):
    """The policy does not permit a take-over.

    Attributes:
        reasons: What stands against it.
        decision_id: The id of the decision.
    """

    def __init__(self, reasons: Sequence[Reason], decision_id: str) -> None:
        self.reasons = tuple(reasons)
        self.decision_id = decision_id
        super().__init__("The policy does not permit this take-over.")


class ActionNotOpen(AuthzServiceError):
    """The caller may ask about some actions only, and this is none of them."""


class NotSignedIn(AuthzServiceError):
    """The message is for the operator, and has nothing in it that the provider or the browser could choose."""


class ProviderUnavailable(NotSignedIn):
    pass


class SignInDeclined(NotSignedIn):
    pass


class SignInExpired(NotSignedIn):
    pass


class SignInNotHeld(NotSignedIn):
    pass


class NotAllowed(NotSignedIn):
    """Attributes: `subject`, whom the provider knows."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__("The claim of AUTHZ_OIDC_ALLOWED is not in the ID token, or has not that value.")
