"""Who somebody is, as an OpenID Connect provider says: authorization code flow with PKCE, the ID token verified."""

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from authz_service.errors import NotAllowed, ProviderUnavailable, SignInDeclined, SignInExpired, SignInNotHeld
from authz_service.in_time import wait_no_longer
from authz_service.settings import LOOPBACK, OpenId

_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Those of a provider's own key: none, and what is made with the client secret, are not among them."""

_WELL_KNOWN = "/.well-known/openid-configuration"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_CLIENT_AUTHENTICATION = ("client_secret_basic", "client_secret_post")
TIMEOUT_SECONDS = 5.0
_LEEWAY_SECONDS = 60
_KNOWN_FOR_SECONDS = 3_600.0
_SECRET_BYTES = 32
# Of the threads that answer.
MOST_AT_ONCE = 2
_PLACE_SECONDS = 1.0


class Begun(NamedTuple):
    """A sign-in that has begun: what its end has to fit.

    Attributes:
        state: Ties the answer to the browser.
        nonce: Ties the ID token to the sign-in.
        verifier: Ties the code to the sign-in (PKCE).
    """

    state: str
    nonce: str
    verifier: str


class Provider:
    """An OpenID Connect provider; what it publishes of itself is read at first use.

    Args:
        settings: Which one, and what it has to say of whoever may read.
        redirect_uri: Where it sends people back to.
    """

    def __init__(self, settings: OpenId, redirect_uri: str) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._metadata: Mapping[str, Any] = {}
        self._read_at = float("-inf")
        self._keys: KeySet | None = None
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)

    def begin(self) -> tuple[str, Begun]:
        """Where to send a person to, and what to keep in his or her browser meanwhile.

        Raises:
            ProviderUnavailable: It does not tell.
        """
        begun = Begun(*(secrets.token_urlsafe(_SECRET_BYTES) for _ in Begun._fields))
        endpoint = self.metadata()["authorization_endpoint"]
        with self._client() as client:
            address, _ = client.create_authorization_url(
                endpoint, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier
            )
        return address, begun

    def end(self, answer: Mapping[str, str], begun: Begun) -> str:
        """Who has signed in: the subject that the provider knows the person by.

        Args:
            answer: What the provider sent the person back with.
            begun: What was kept in the person's browser.

        Raises:
            NotSignedIn: Nobody has, and why not.
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise SignInNotHeld("The state is not the one that was sent.")
        metadata = self.metadata()
        says_issuer = metadata.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", None if says_issuer else metadata["issuer"]) != metadata["issuer"]:
            raise SignInNotHeld("The answer is from another issuer.")
        if "error" in answer:
            raise SignInDeclined("The provider has answered with an error.")
        if "code" not in answer:
            raise SignInNotHeld("There is no code in the answer.")
        with self._asking():
            claims = self._claims(self._token(answer["code"], begun), begun)
        found = claims.get(self._settings.claim)
        if self._settings.value not in (found if isinstance(found, list) else [found]):
            raise NotAllowed(claims["sub"])
        subject: str = claims["sub"]
        return subject

    def metadata(self) -> Mapping[str, Any]:
        """What the provider publishes of itself.

        Raises:
            ProviderUnavailable: It does not, or it is not that of the issuer.
        """
        if time.monotonic() - self._read_at <= _KNOWN_FOR_SECONDS:
            return self._metadata
        with self._asking():
            return self._known_metadata()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """A place among the few who may wait for the provider, as whoever waits answers no caller."""
        if not self._places.acquire(timeout=_PLACE_SECONDS):
            raise ProviderUnavailable("It has not answered those who asked before.")
        try:
            yield
        finally:
            self._places.release()

    def _known_metadata(self) -> Mapping[str, Any]:
        if time.monotonic() - self._read_at > _KNOWN_FOR_SECONDS:
            metadata = _get(self._settings.issuer.rstrip("/") + _WELL_KNOWN)
            if metadata.get("issuer") != self._settings.issuer:
                raise ProviderUnavailable("Its discovery document is of another issuer than AUTHZ_OIDC_ISSUER.")
            for name in _ENDPOINTS:
                if not is_safe(metadata.get(name)):
                    raise ProviderUnavailable(f"Its discovery document has no {name} that is an https URL.")
            self._metadata, self._keys, self._read_at = metadata, None, time.monotonic()
        return self._metadata

    def _client(self) -> OAuth2Session:
        offered = self._metadata.get("token_endpoint_auth_methods_supported", _CLIENT_AUTHENTICATION)
        authentication = next((way for way in _CLIENT_AUTHENTICATION if way in offered), _CLIENT_AUTHENTICATION[0])
        return OAuth2Session(
            self._settings.client_id,
            self._settings.client_secret,
            token_endpoint_auth_method=authentication,
            scope=self._settings.scopes,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",  # without it, the verifier is left out in silence
            default_timeout=TIMEOUT_SECONDS,
        )

    def _token(self, code: str, begun: Begun) -> Mapping[str, Any]:
        """What the token endpoint gives for a code, the ID token in it not yet verified."""
        try:
            with self._client() as client:
                wait_no_longer(client)
                token = client.fetch_token(
                    self._metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=begun.verifier,
                    allow_redirects=False,
                )
        except AuthlibBaseError as error:
            if error.error == "invalid_grant":
                raise SignInExpired("The token endpoint takes the code no longer.") from error
            raise ProviderUnavailable("The token endpoint answers with an error; is the secret right?") from error
        except (requests.RequestException, ValueError) as error:
            raise ProviderUnavailable(f"The token endpoint does not answer: {type(error).__name__}.") from error
        if not isinstance(token.get("id_token"), str):
            raise SignInNotHeld("There is no ID token in what the token endpoint answers.")
        found: Mapping[str, Any] = token
        return found

    def _claims(self, given: Mapping[str, Any], begun: Begun) -> Mapping[str, Any]:
        id_token = given["id_token"]
        try:
            try:
                token = jwt.decode(id_token, self._keys or self._fetch_keys(), algorithms=_ALGORITHMS)
            except InvalidKeyIdError:
                # It may have taken a new key since.
                token = jwt.decode(id_token, self._fetch_keys(), algorithms=_ALGORITHMS)
            # The audience is looked at only where it is asked for.
            wanted = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": begun.nonce},
            }
            parameters = {
                "nonce": begun.nonce,
                "client_id": self._settings.client_id,
                "access_token": given.get("access_token"),
            }
            claims = CodeIDToken(token.claims, token.header, wanted, parameters)
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise SignInNotHeld(f"The ID token does not hold: {type(error).__name__}.") from error
        if not isinstance(claims["sub"], str):
            raise SignInNotHeld("The ID token does not hold: its sub is no string.")
        verified: Mapping[str, Any] = claims
        return verified

    def _fetch_keys(self) -> KeySet:
        published = _get(self._metadata["jwks_uri"])
        try:
            # One that is of a kind that is not known here is no reason not to take the others.
            self._keys = KeySet.import_key_set({"keys": [key for key in published["keys"] if _is_to_verify(key)]})
        except (JoseError, LookupError, TypeError, ValueError) as error:
            raise ProviderUnavailable("Its keys cannot be read.") from error
        return self._keys


def is_safe(url: object) -> bool:
    """Whether what is sent there stays between the two: by https, or on this machine."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _is_to_verify(key: Mapping[str, Any]) -> bool:
    return key.get("use", "sig") == "sig" and key.get("kty") in {"RSA", "EC", "OKP"}


def _get(url: str) -> Mapping[str, Any]:
    try:
        with requests.Session() as session:
            wait_no_longer(session)
            response = session.get(url, timeout=TIMEOUT_SECONDS, headers={"Accept": "application/json"})
            response.raise_for_status()
            found = response.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderUnavailable(f"{url} does not answer as it should: {type(error).__name__}.") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{url} does not answer with a JSON object.")
    return found
