"""The Merkle tree of RFC 6962, section 2.1, over the hashes of entries."""

from collections.abc import Sequence
from hashlib import sha256 as _sha256


def root(hashes: Sequence[bytes]) -> bytes:
    """The root of the tree over these, of which there is one at least."""
    # In one place each, as there are two for every decision.
    level = [_sha256(b"\0" + each).digest() for each in hashes]
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """What the root is made of, besides the hash at `index`, from the leaves upwards."""
    siblings = []
    level = [_leaf(each) for each in hashes]
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            siblings.append(level[sibling])
        level = _above(level)
        index //= 2
    return siblings


def root_of_path(entry: bytes, index: int, size: int, siblings: Sequence[bytes]) -> bytes | None:
    """The root of a tree over `size` hashes with this one at `index`; None where the path is none of such a tree."""
    if not 0 <= index < size:
        return None
    node, last = _leaf(entry), size - 1
    for sibling in siblings:
        if last == 0:
            return None
        if index % 2 or index == last:
            node = _node(sibling, node)
            while index % 2 == 0 and index:
                index, last = index // 2, last // 2
        else:
            node = _node(node, sibling)
        index, last = index // 2, last // 2
    return node if last == 0 else None


def _above(level: Sequence[bytes]) -> list[bytes]:
    # A last one without a sibling goes up as it is.
    pairs = [_sha256(b"\1" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]


def _leaf(entry: bytes) -> bytes:
    return _sha256(b"\0" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\1" + left + right).digest()
