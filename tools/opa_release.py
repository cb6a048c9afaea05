"""The official release of OPA, taken only with the right digest."""

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tools.work import Progress, SetupFailed

RELEASES = "https://openpolicyagent.org/downloads"

# Where no release can be reached, nobody should have to wait to be told; the sources can still be built.
PATIENCE_SECONDS = 5.0
CHUNK_BYTES = 1 << 18

_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NotAvailable(Exception):
    """This way of getting the program is closed here; the next may be open."""


class WrongDigest(SetupFailed):
    """What came is not what was published or pinned: never a reason to try another way in silence."""


def asset_name(system: str, machine: str) -> str:
    """The name of the release's file for a system and machine, as `platform` calls them."""
    if system not in _SYSTEMS or machine not in _MACHINES:
        raise NotAvailable(f"there is none for {system} on {machine}")
    return f"opa_{_SYSTEMS[system]}_{_MACHINES[machine]}"


def pinned_digests(text: str) -> dict[str, str]:
    """The digests by file name, from lines such as `sha256sum` prints; `#` begins a comment."""
    digests = {}
    for line in filter(None, (line.split("#")[0].strip() for line in text.splitlines())):
        pin = re.fullmatch(rf"({_DIGEST.pattern})\s+(\S+)", line)
        if pin is None:
            raise SetupFailed(
                f"tools/opa/digests.txt: `{line}` has to be 64 hexadecimal digits in lower case, and a name."
            )
        digests[pin[2]] = pin[1]
    return digests


def fetch_release(target: Path, address: str, pinned: Mapping[str, str]) -> None:
    """Download the file at an address to `target`, executable, if both digests agree with it.

    Args:
        target: A path where nothing is yet.
        address: The address of the file; its published digest is at the same address with `.sha256`.
        pinned: The digests known in advance, by the file's name.

    Raises:
        NotAvailable: The release or its digest cannot be reached.
        WrongDigest: It was reached, and it is another file than was published or pinned.
    """
    name = address.rpartition("/")[2]
    try:
        published = _published_digest(address)
        with Progress(f"Downloading {address}") as progress:
            found = _download(address, target, progress)
    except (OSError, http.client.HTTPException) as error:
        raise NotAvailable(f"{address} cannot be reached ({_reason(error)})") from error
    check_digest(name, found, published, pinned.get(name))
    target.chmod(0o755)


def _reason(error: Exception) -> object:
    # urllib wraps what the system says; what a server says is better whole.
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return error.reason
    return error


def check_digest(name: str, found: str, published: str, pinned: str | None) -> None:
    """Accept a file only as what its publisher says it is, and as what it was when its digest was pinned."""
    for source, wanted in (("published", published), ("pinned in tools/opa/digests.txt", pinned)):
        if wanted is not None and found != wanted:
            raise WrongDigest(
                f"{name} has the SHA-256 {found}, but the one {source} is {wanted}. It may "
                "have been tampered with, or a proxy changes downloads: nothing was installed."
            )


def _published_digest(address: str) -> str:
    with _opened(f"{address}.sha256") as response:
        words = response.read(1024).decode("ascii", errors="replace").split()
    if not words or not _DIGEST.fullmatch(words[0]):
        # A page of a proxy or a portal: not the publisher speaking.
        raise NotAvailable(f"{address}.sha256 is not a digest")
    return str(words[0])


def _download(address: str, target: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    with _opened(address) as response, target.open("xb") as file:
        length = int(response.headers.get("Content-Length", 0))
        while chunk := response.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
            progress.update(f"{file.tell() / 1e6:.0f} of {length / 1e6:.0f} MB")
        if length and file.tell() != length:
            raise NotAvailable(f"{address} broke off after {file.tell()} of {length} bytes")
    return digest.hexdigest()


def _opened(address: str) -> http.client.HTTPResponse:
    response: http.client.HTTPResponse = urllib.request.build_opener().open(address, timeout=PATIENCE_SECONDS)
    if address.startswith("https:") and not response.url.startswith("https:"):
        response.close()
        raise NotAvailable(f"{address} leads away from https")
    return response
