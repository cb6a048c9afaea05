"""Where requests come in: whose each is, and whether that caller may ask now."""

from collections.abc import Mapping, Sequence

from authz_service.callers.access_tokens import AccessTokens
from authz_service.callers.callers import Caller, Callers
from authz_service.callers.certificates import Certificates
from authz_service.callers.following import FollowedCallers
from authz_service.callers.issuer_keys import IssuerKeys
from authz_service.callers.limits import Limiter
from authz_service.errors import ConfigurationError
from authz_service.settings import Settings

_SCHEME = "bearer "


class Entrance:
    """Knows callers by what their requests show.

    Attributes:
        followed: The callers' file.
        callers: Those who are configured, as of now.
        keys: Those of who issues access tokens, where somebody does.
        limiter: Counts what callers ask.

    Args:
        settings: What the operator has set.
        callers: Who may call beside those of the file in the settings; or all of them, already followed.

    Raises:
        ConfigurationError: Nobody could call, or the file is faulty.
    """

    def __init__(self, settings: Settings, callers: Sequence[Caller] | FollowedCallers | None) -> None:
        if callers is None and settings.callers is None and settings.token_issuer is None:
            raise ConfigurationError(
                "AUTHZ_CALLERS: is not set; name a YAML file of who may call (see docs/how-to/let-callers-in.md)."
            )
        if not isinstance(callers, FollowedCallers):
            callers = FollowedCallers(settings.callers, callers or ())
        self.followed = callers
        self.keys: IssuerKeys | None = None
        issued: AccessTokens | None = None
        if settings.token_issuer:
            self.keys = IssuerKeys(settings.token_issuer.jwks_url)
            issued = AccessTokens(settings.token_issuer, self.keys)
        self.callers = Callers(self.followed.callers, issued)
        self._certificates = Certificates(settings.certificate_header) if settings.certificate_header else None
        self.limiter = Limiter(settings.shared)

    def caller_of(self, environ: Mapping[str, object]) -> Caller | None:
        """Whose request it is, or None. A token that is sent decides alone.

        Args:
            environ: Of the request, as WSGI has it.

        Raises:
            Unavailable: It cannot be told.
        """
        header = environ.get("HTTP_AUTHORIZATION")
        if isinstance(header, str):
            token = bearer_token(header)
            return self.callers.caller_of(token) if token else None
        shown = self._certificates.shown_in(environ) if self._certificates else None
        return self.callers.with_certificate(shown) if shown else None

    def look(self) -> None:
        """Takes over what has changed in the callers' file: to be called again and again."""
        if self.followed.look():
            self.callers.replace(self.followed.callers)

    def close(self) -> None:
        self.limiter.close()


def bearer_token(header: str) -> str:
    """The token in a header Authorization; empty where there is none."""
    return header[len(_SCHEME) :].strip() if header[: len(_SCHEME)].lower() == _SCHEME else ""
