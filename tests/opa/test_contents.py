"""A bundle is read before anybody has vouched for it, so no more of it than a policy needs."""

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authz_service.errors import InvalidPolicy
from authz_service.opa.contents import MOST_MEMBERS, MOST_UNPACKED_BYTES, read_files
from authz_service.opa.verifying import verify_bundle

MIB = 1024 * 1024
MANIFEST = json.dumps({"roots": ["authz"]}).encode()
TOO_LARGE = "is larger than 16 MiB unpacked, which is the limit; make its rules and data smaller"
TOO_MANY = "has more than 1,000 files, which is the limit; put its rules and data into fewer"


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def file(name: str, content: bytes = b"") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def zeros(kind: bytes) -> bytes:
    """A member of 400 MiB, which takes less than half of one when packed."""
    member = tarfile.TarInfo("data.json")
    member.type, member.size = kind, 400 * MIB
    return gzip.compress(member.tobuf()) + gzip.compress(bytes(MIB)) * 400 + packed(file(".manifest", MANIFEST))


def links() -> bytes:
    """A file of 1 MiB, and 500 others that are the same one."""
    large = file("data.json", bytes(MIB))
    members = []
    for n in range(500):
        member = tarfile.TarInfo(f"{n}/data.json")
        member.type, member.linkname = tarfile.LNKTYPE, "data.json"
        members.append((member, b""))
    return packed(file(".manifest", MANIFEST), large, *members)


def sparse() -> bytes:
    """A file of 400 MiB of which nothing is in the archive."""
    member = tarfile.TarInfo("data.json")
    member.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "data.json",
        "GNU.sparse.size": str(400 * MIB),
        "GNU.sparse.map": f"{400 * MIB},0",
    }
    return packed(file(".manifest", MANIFEST), (member, b""))


def empty_files() -> bytes:
    return packed(file(".manifest", MANIFEST), *(file(f"{n}/data.json") for n in range(MOST_MEMBERS)))


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """The most bytes that were in use at once since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("made", "what"),
    [
        pytest.param(lambda: zeros(tarfile.REGTYPE), TOO_LARGE, id="a large file"),
        pytest.param(lambda: zeros(tarfile.DIRTYPE), TOO_LARGE, id="what is no file"),
        pytest.param(lambda: zeros(tarfile.XHDTYPE), TOO_LARGE, id="a large header"),
        pytest.param(lambda: zeros(tarfile.GNUTYPE_LONGNAME), TOO_LARGE, id="a long name"),
        pytest.param(links, TOO_LARGE, id="links"),
        pytest.param(sparse, TOO_LARGE, id="a sparse file"),
        pytest.param(empty_files, TOO_MANY, id="many files"),
    ],
)
def test_a_bundle_that_is_too_large_is_refused_unsigned_as_it_is_and_no_more_of_it_is_read(
    opa: Path, tmp_path: Path, peak: Callable[[], int], made: Callable[[], bytes], what: str
) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    bundle.write_bytes(made())
    assert bundle.stat().st_size < MIB
    tracemalloc.reset_peak()
    with pytest.raises(InvalidPolicy) as refusal:
        verify_bundle(opa, bundle, None, None)
    assert [(fault.what, fault.file) for fault in refusal.value.faults] == [(what, str(bundle))]
    assert peak() < 4 * MOST_UNPACKED_BYTES


def test_as_many_files_as_may_be_are_read(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    bundle.write_bytes(packed(file(".manifest", MANIFEST), *(file(f"{n}.rego") for n in range(MOST_MEMBERS - 1))))
    assert len(read_files(bundle, bundle)) == MOST_MEMBERS
    large = file("data.json", bytes(MOST_UNPACKED_BYTES - 16 * 1024))
    bundle.write_bytes(packed(file(".manifest", MANIFEST), large))
    assert read_files(bundle, bundle)["data.json"] == large[1]
