import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_service.journal import merkle
from tests.journal.conftest import largest_power_of_two_below, tree_hash

SIZES = range(1, 41)

hashes = st.binary(min_size=32, max_size=32)


def entries(size: int) -> list[bytes]:
    return [hashlib.sha256(f"entry {number}".encode()).digest() for number in range(size)]


def audit_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, as it is defined there."""
    if len(leaves) == 1:
        return []
    split = largest_power_of_two_below(len(leaves))
    if index < split:
        return [*audit_path(index, leaves[:split]), tree_hash(leaves[split:])]
    return [*audit_path(index - split, leaves[split:]), tree_hash(leaves[:split])]


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_that_rfc_6962_defines(size: int) -> None:
    assert merkle.root(entries(size)) == tree_hash(entries(size))


@pytest.mark.parametrize("size", SIZES)
def test_the_path_of_each_entry_is_the_one_that_rfc_6962_defines_and_gives_the_root(size: int) -> None:
    of_tree = entries(size)
    for index, entry in enumerate(of_tree):
        path = merkle.path(of_tree, index)
        assert path == audit_path(index, of_tree)
        assert merkle.root_of_path(entry, index, size, path) == tree_hash(of_tree)


def test_the_roots_are_those_of_the_logs_of_certificates() -> None:
    """The vectors that the implementations of Certificate Transparency are tested with."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    content = [bytes.fromhex(leaf) for leaf in leaves]
    assert [merkle.root(content[:size]).hex() for size in range(1, 9)] == roots


@pytest.mark.parametrize("size", SIZES)
def test_an_entry_is_proven_at_its_own_place_alone(size: int) -> None:
    of_tree = entries(size)
    root = merkle.root(of_tree)
    for index, entry in enumerate(of_tree):
        path = merkle.path(of_tree, index)
        proven = {place for place in range(size) if merkle.root_of_path(entry, place, size, path) == root}
        assert proven == {index}


@pytest.mark.parametrize("size", SIZES)
def test_another_entry_is_not_proven_by_the_path(size: int) -> None:
    of_tree = entries(size)
    for index in range(size):
        path = merkle.path(of_tree, index)
        assert merkle.root_of_path(b"another".ljust(32), index, size, path) != merkle.root(of_tree)


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_path_with_a_changed_node_does_not_give_the_root(size: int) -> None:
    of_tree = entries(size)
    for index, entry in enumerate(of_tree):
        path = merkle.path(of_tree, index)
        for place, node in enumerate(path):
            changed = [*path[:place], bytes([node[0] ^ 1]) + node[1:], *path[place + 1 :]]
            assert merkle.root_of_path(entry, index, size, changed) not in {None, merkle.root(of_tree)}


@pytest.mark.parametrize("size", SIZES)
def test_a_path_that_is_too_short_or_too_long_is_none(size: int) -> None:
    of_tree = entries(size)
    for index, entry in enumerate(of_tree):
        path = merkle.path(of_tree, index)
        assert merkle.root_of_path(entry, index, size, [*path, b"\0" * 32]) is None
        assert not path or merkle.root_of_path(entry, index, size, path[:-1]) is None


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (4, 3), (0, 0), (0, -1), (-1, -1)])
def test_a_place_that_the_tree_does_not_have_is_none(index: int, size: int) -> None:
    assert merkle.root_of_path(b"entry".ljust(32), index, size, [b"\0" * 32]) is None


def test_an_inner_node_does_not_pass_for_an_entry() -> None:
    first, second, third = entries(3)
    inner = merkle.root([first, second])
    preimage = hashlib.sha256(b"\0" + first).digest() + hashlib.sha256(b"\0" + second).digest()
    root = merkle.root([first, second, third])
    last = merkle.path([first, second, third], 0)[-1:]
    for passed_off in (inner, preimage, b"\1" + preimage):
        assert merkle.root_of_path(passed_off, 0, 2, last) != root


@given(st.lists(hashes, min_size=1, max_size=200), st.data())
def test_every_entry_of_any_tree_is_proven_by_its_path(of_tree: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(of_tree) - 1))
    path = merkle.path(of_tree, index)
    assert merkle.root_of_path(of_tree[index], index, len(of_tree), path) == tree_hash(of_tree)


@given(st.binary(), st.integers(-2, 2**70), st.integers(-2, 2**70), st.lists(st.binary(), max_size=80))
def test_whatever_is_given_for_a_path_the_root_is_another_or_none(
    entry: bytes, index: int, size: int, path: list[bytes]
) -> None:
    root = merkle.root_of_path(entry, index, size, path)
    assert root is None or len(root) == 32
    assert root != merkle.root(entries(7))
