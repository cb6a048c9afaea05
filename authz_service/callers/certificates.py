"""Client certificates, as a proxy that has verified them tells of them in a header."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from ipaddress import ip_address

from authz_service.settings import CertificateHeader

_ENCODED = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
_SHA256 = re.compile(r"(?:[0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}")
_LONGEST = 16 * 1024


class Certificates:
    """Reads which certificate the proxy has verified.

    Args:
        settings: The header, and from whom it is believed.
    """

    def __init__(self, settings: CertificateHeader) -> None:
        self._name = f"HTTP_{settings.name.upper()}"
        self._proxies = settings.proxies

    def shown_in(self, environ: Mapping[str, object]) -> str | None:
        """The SHA-256 of the certificate; None where a trusted proxy tells of none.

        Args:
            environ: Of the request, as WSGI has it.
        """
        value = environ.get(self._name)
        if not isinstance(value, str) or len(value) > _LONGEST or not self._is_from_proxy(environ):
            return None
        value = value.strip()
        if _SHA256.fullmatch(value):
            return value.replace(":", "").lower()
        encoded = _ENCODED.fullmatch(value)
        try:
            return hashlib.sha256(base64.b64decode(encoded[1], validate=True)).hexdigest() if encoded else None
        except binascii.Error:
            return None

    def _is_from_proxy(self, environ: Mapping[str, object]) -> bool:
        try:
            peer = ip_address(str(environ.get("REMOTE_ADDR", "")))
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)
        return any((mapped or peer) in network for network in self._proxies)
