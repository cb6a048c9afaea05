import base64
from urllib.parse import quote

import pytest

from tests.hidden import found_in

SECRET = {"key": "hunter/2+hunter?2 hunter-2"}
PLAIN = SECRET["key"].encode()


@pytest.mark.parametrize(
    "content",
    [
        b"the key " + PLAIN + b" is wrong",
        PLAIN.hex().encode(),
        quote(SECRET["key"], safe="").encode(),
        *(base64.b64encode(b"x" * before + PLAIN + b"y" * after) for before in range(7) for after in range(4)),
        *(base64.urlsafe_b64encode(b"\0user\0"[:before] + PLAIN) for before in range(7)),
    ],
)
def test_a_secret_is_found_in_each_shape(content: bytes) -> None:
    assert found_in({"log": b"before " + content + b" after", "page": b"nothing"}, SECRET) == {("key", "log")}


def test_what_is_not_there_is_not_found() -> None:
    assert found_in({"log": b"hunter/2+hunter?2 hunter-3", "empty": b""}, SECRET) == set()
