import hashlib
import re
from pathlib import Path

import pytest

from authz_service.callers.callers import Caller, Callers, new_token, read_callers, token_sha256
from authz_service.errors import ConfigurationError
from authz_service.words import Scope

DIGEST = token_sha256("token")
OTHER_DIGEST = token_sha256("another token")


def test_what_is_kept_of_a_token_is_its_sha_256() -> None:
    assert token_sha256("token") == hashlib.sha256(b"token").hexdigest()
    assert token_sha256("naïve") == hashlib.sha256("naïve".encode()).hexdigest()


def test_a_caller_is_known_by_the_whole_token_only() -> None:
    caller = Caller("zone", DIGEST, frozenset({Scope.DECIDE}))
    callers = Callers([caller, Caller("other", OTHER_DIGEST, frozenset(Scope))])
    assert callers.caller_of("token") is caller
    for wrong in ("", "Token", "toke", "token ", DIGEST, "\udcff"):
        assert callers.caller_of(wrong) is None


def test_new_tokens_are_long_differ_and_need_no_quotes() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43,}", token) for token in tokens)


def test_callers_are_read_from_yaml(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f"""
        # who may call
        callers:
          - name: customer-zone
            token_sha256: "{DIGEST}"
            scopes: [decide]
          - {{name: back-office, token_sha256: "{OTHER_DIGEST}", scopes: [customers, audit, administrators, decide]}}
        """,
    )
    assert read_callers(file) == [
        Caller("customer-zone", DIGEST, frozenset({Scope.DECIDE})),
        Caller("back-office", OTHER_DIGEST, frozenset(Scope)),
    ]


NO_LIST = "must have a list `callers` with a caller at least, and nothing else"
MEMBERS = "must have the members name, scopes, token_sha256, and no others"
NO_DIGEST = "must be 64 lower-case hexadecimal digits, in quotes: printf %s TOKEN | sha256sum"
NO_SCOPES = "must be a list of some of decide, administrators, customers, audit"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", [NO_LIST]),
        ("callers", [NO_LIST]),
        ("[]", [NO_LIST]),
        ("callers: []", [NO_LIST]),
        ("callers: {name: a}", [NO_LIST]),
        ("other: [1]", [NO_LIST]),
        (f"callers: [{{name: a, token_sha256: '{DIGEST}', scopes: [decide]}}]\nother: 1", [NO_LIST]),
        ("callers: [", ["is not YAML"]),
        ("callers: [\x01]", ["is not YAML"]),
        ("callers: !!python/object:os.system []", ["is not YAML"]),
        ("callers: [a]", [f"callers[0]: {MEMBERS}"]),
        ("callers: [{}]", [f"callers[0]: {MEMBERS}"]),
        ("callers: [{name: a}]", [f"callers[0]: {MEMBERS}"]),
        (
            f"callers: [{{name: a, token_sha256: '{DIGEST}', scopes: [decide], other: 1}}]",
            [f"callers[0]: {MEMBERS}"],
        ),
        (
            f"callers: [{{name: a, token: secret, scopes: [decide]}}, {DIGEST}]",
            [f"callers[0]: {MEMBERS}", f"callers[1]: {MEMBERS}"],
        ),
        (
            "callers: [{name: '', token_sha256: secret, scopes: []}]",
            [
                "callers[0].name: must be a string that is not empty",
                f"callers[0].token_sha256: {NO_DIGEST}",
                f"callers[0].scopes: {NO_SCOPES}",
            ],
        ),
        (
            f"callers: [{{name: 1, token_sha256: '{DIGEST.upper()}', scopes: decide}}]",
            [
                "callers[0].name: must be a string that is not empty",
                f"callers[0].token_sha256: {NO_DIGEST}",
                f"callers[0].scopes: {NO_SCOPES}",
            ],
        ),
        (
            f"callers: [{{name: a, token_sha256: {'1' * 64}, scopes: [Decide]}}]",
            [f"callers[0].token_sha256: {NO_DIGEST}", f"callers[0].scopes: {NO_SCOPES}"],
        ),
        (
            f"callers: [{{name: a, token_sha256: '{DIGEST}', scopes: [decide, [decide]]}}]",
            [f"callers[0].scopes: {NO_SCOPES}"],
        ),
        (
            f"callers:\n- &a {{name: a, token_sha256: '{DIGEST}', scopes: [decide]}}\n- *a",
            ["callers: the same token stands twice"],
        ),
        (
            f"callers:\n- {{name: a, token_sha256: '{DIGEST}', scopes: [decide], scopes: [audit]}}",
            ["line 2: has a key twice"],
        ),
        ("callers: [1]\ncallers: [2]", ["line 1: has a key twice"]),
    ],
)
def test_a_faulty_file_is_refused_with_every_fault_and_no_digest(tmp_path: Path, text: str, faults: list[str]) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as refusal:
        read_callers(file)
    assert str(refusal.value).splitlines() == [f"AUTHZ_CALLERS: {file}: {fault}." for fault in faults]
    assert DIGEST not in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "no.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigurationError) as refusal:
            read_callers(path)
        assert str(refusal.value) == f"AUTHZ_CALLERS: {path}: cannot be read: {why}."


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "callers.yaml"
    file.write_bytes(b"callers: [\xff]")
    with pytest.raises(ConfigurationError, match="is not YAML"):
        read_callers(file)


def written(folder: Path, text: str) -> Path:
    file = folder / "callers.yaml"
    file.write_text(text)
    return file
