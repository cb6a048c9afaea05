"""A certified OpenID Connect provider on this machine: `oidc-provider`, as its lock file has it."""

import hashlib
import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urljoin

import requests

from authz_service.settings import OpenId
from tests.conftest import ROOT
from tests.ports import free_port
from tools.npm import INSTALL, LOCKED, NODE
from tools.work import only_one

_HERE = Path(__file__).parent
_TOOLS = ROOT / ".tools"
_FORM = re.compile(r'<form[^>]* action="([^"]+)"')
_PROMPT = re.compile(r'name="prompt" value="([^"]+)"')

SECRET = "the-secret-that-the-provider-knows"
READER, OUTSIDER = "rita.reviewer", "oscar.outsider"


class Running(NamedTuple):
    """A provider that answers.

    Attributes:
        issuer: Its URL, at another site than `127.0.0.1`.
        process: It.
    """

    issuer: str
    process: "subprocess.Popen[str]"

    def settings(self) -> OpenId:
        """Those of a service that lets the group compliance read."""
        return OpenId(self.issuer, "authz", SECRET, "groups", "compliance", "openid groups")


@contextmanager
def provider(redirect_uri: str, more: Mapping[str, object] | None = None) -> Iterator[Running]:
    """A provider that knows a service at that address, a reader in the group compliance, and an outsider."""
    port = free_port()
    configuration = {
        "port": port,
        "client": {
            "client_id": "authz",
            "client_secret": SECRET,
            "redirect_uris": [redirect_uri],
        },
        "groups": {READER: ["staff", "compliance"], OUTSIDER: ["staff"]},
        **(more or {}),
    }
    command: list[str | Path] = [NODE, _HERE / "provider.js", _modules(), json.dumps(configuration)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            assert "listening" in process.stdout.readline()
            yield Running(f"http://localhost:{port}", process)
        finally:
            process.kill()


def sign_in_at(address: str, redirect_uri: str, person: str, *, consents: bool = True) -> str:
    """Where a provider sends a person back to, who signs in at it as in a browser."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(address, allow_redirects=False, timeout=10)
        for _ in range(12):
            there = response.headers.get("Location", "")
            if there.startswith(redirect_uri):
                return there
            if response.is_redirect:
                response = session.get(urljoin(response.url, there), allow_redirects=False, timeout=10)
                continue
            form, prompt = _FORM.search(response.text), _PROMPT.search(response.text)
            assert form, response.text
            assert prompt, response.text
            if prompt[1] == "consent" and not consents:
                [abort] = re.findall(r'href="([^"]+/abort)"', response.text)
                response = session.get(urljoin(response.url, abort), allow_redirects=False, timeout=10)
                continue
            fields = {"prompt": prompt[1], "login": person, "password": "any"}
            action = urljoin(response.url, html.unescape(form[1]))
            response = session.post(action, fields, allow_redirects=False, timeout=10)
    raise AssertionError(response.text)


def _modules() -> Path:
    """The folder of its modules, fetched where they are not yet there."""
    locked = hashlib.sha256(b"".join((_HERE / file).read_bytes() for file in LOCKED)).hexdigest()[:16]
    target = _TOOLS / f"oidc-provider-{locked}"
    _TOOLS.mkdir(exist_ok=True)
    with only_one(_TOOLS / "oidc-provider.lock"):
        if not target.exists():
            with TemporaryDirectory(prefix="making-", dir=_TOOLS) as made:
                for file in LOCKED:
                    shutil.copyfile(_HERE / file, Path(made) / file)
                subprocess.run(INSTALL, cwd=made, check=True, capture_output=True)
                Path(made).rename(target)
                Path(made).mkdir()
    return target
