"""A bundle has what is read of its folder, and nothing that could be written elsewhere."""

from pathlib import Path

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.opa.bundle import build_bundle
from authz_service.opa.folder import MANIFEST, SOURCES, unpack_folder
from tests.bundles import rewritten


@pytest.fixture
def bundle(opa: Path, policies: Path, tmp_path: Path) -> Path:
    build_bundle(opa, policies, tmp_path / "bundle.tar.gz")
    return tmp_path / "bundle.tar.gz"


def test_what_is_unpacked_is_the_folder_to_the_byte_but_for_tests_and_texts(
    bundle: Path, policies: Path, tmp_path: Path
) -> None:
    unpack_folder(bundle, tmp_path / "unpacked")
    unpacked = {str(file.relative_to(tmp_path / "unpacked")) for file in (tmp_path / "unpacked").rglob("*.*")}
    named = [file for file in unpacked if (policies / file).is_file() and not file.endswith(MANIFEST)]
    assert {"requirements.yaml", "schemas/input.json", "schemas/phrases.yaml", "schemas/matrix.yaml"} <= set(named)
    assert any(file.startswith("checks/promises/") for file in named)
    assert not any(file.endswith("_test.rego") for file in unpacked)
    for file in named:
        assert (tmp_path / "unpacked" / file).read_bytes() == (policies / file).read_bytes()


@pytest.mark.parametrize("name", ["../escaped.yaml", "/nowhere/escaped.yaml", "schemas/../../escaped.yaml"])
def test_a_bundle_that_would_write_elsewhere_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    rewritten(bundle, tmp_path / "bad.tar.gz", {SOURCES: {name: "x"}})
    with pytest.raises(InvalidPolicy, match="is no bundle made by"):
        unpack_folder(tmp_path / "bad.tar.gz", tmp_path / "unpacked")
    assert not list(tmp_path.rglob("escaped.yaml"))


@pytest.mark.parametrize("content", [b"", b"PK"])
def test_what_is_no_bundle_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bundle.tar.gz").write_bytes(content)
    with pytest.raises(InvalidPolicy, match="is no bundle made by"):
        unpack_folder(tmp_path / "bundle.tar.gz", tmp_path / "unpacked")
