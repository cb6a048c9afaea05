"""What is compared with is pinned, by lock files that are good on every machine."""

import json

from bench.programs import CERBOS_FOLDER, OPENFGA_FOLDER, cerbos_version, openfga_version


def test_cerbos_is_locked_by_its_digest_and_by_no_address() -> None:
    text = (CERBOS_FOLDER / "package-lock.json").read_text()
    lock = json.loads(text)["packages"]["node_modules/@cerbos/cerbos-linux-x64"]
    assert lock["version"] == cerbos_version()
    assert lock["integrity"].startswith("sha512-")
    assert "://" not in text


def test_openfga_is_locked_by_its_digest() -> None:
    assert f"github.com/openfga/openfga v{openfga_version()} h1:" in (OPENFGA_FOLDER / "go.sum").read_text()
