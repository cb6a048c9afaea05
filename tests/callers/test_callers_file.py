from datetime import UTC, datetime
from pathlib import Path

import pytest

from authz_service.callers.callers import NEVER, Caller, Limits, token_sha256
from authz_service.callers.callers_file import read_callers
from authz_service.errors import ConfigurationError
from authz_service.words import Scope

DIGEST = token_sha256("token")
OTHER_DIGEST = token_sha256("another token")


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
MEMBERS = (
    "must have the members name and scopes, and of token_sha256, tokens, certificate_sha256, actions, limits those that"
    " are wanted"
)
NO_DIGEST = "must be 64 lower-case hexadecimal digits, in quotes: printf %s TOKEN | sha256sum"
NO_SCOPES = "must be a list of some of decide, administrators, customers, audit"
NO_CERTIFICATE = "must be 64 lower-case hexadecimal digits, in quotes: openssl x509 -in FILE -outform DER | sha256sum"
NO_TOKENS = "must be a list of {sha256, expires}"
NO_TOKEN = "must have the member sha256, and may have expires"
NO_MOMENT = "must be a date, or a date and time with its zone such as 2027-01-31T18:00:00Z"
NO_ACTIONS = "must be a list of the names of actions; leave it out for all"
NO_LIMITS = "must have some of the members per_second, burst, concurrent"


def test_a_caller_may_have_several_tokens_that_end_and_a_certificate(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f"""
        callers:
          - name: customer-zone
            token_sha256: "{DIGEST}"
            tokens:
              - {{sha256: "{OTHER_DIGEST}", expires: 2027-01-31}}
              - {{sha256: "{"a" * 64}", expires: 2027-01-31T19:00:00+01:00}}
              - {{sha256: "{"b" * 64}", expires: "2027-01-31T18:00:00Z"}}
              - {{sha256: "{"c" * 64}"}}
            certificate_sha256: "{"d" * 64}"
            scopes: [decide]
        """,
    )
    midnight, evening = (datetime(2027, 1, 31, hour, tzinfo=UTC).timestamp() for hour in (0, 18))
    assert [(one.token_sha256, one.expires, one.certificate_sha256) for one in read_callers(file)] == [
        (DIGEST, NEVER, ""),
        (OTHER_DIGEST, midnight, ""),
        ("a" * 64, evening, ""),
        ("b" * 64, evening, ""),
        ("c" * 64, NEVER, ""),
        ("", NEVER, "d" * 64),
    ]


def test_a_caller_may_be_known_by_its_name_alone(tmp_path: Path) -> None:
    file = written(tmp_path, "callers: [{name: by-access-token, scopes: [audit]}]")
    assert read_callers(file) == [Caller("by-access-token", "", frozenset({Scope.AUDIT}))]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("{per_second: 100, burst: 300, concurrent: 4}", Limits(100, 300, 4)),
        ("{per_second: 2.5}", Limits(2.5, 3)),
        ("{per_second: 0.1}", Limits(0.1, 1)),
        ("{concurrent: 2}", Limits(None, 1, 2)),
    ],
)
def test_actions_and_limits_are_those_of_each_of_its_tokens(tmp_path: Path, text: str, limits: Limits) -> None:
    tokens = f"[{{sha256: '{DIGEST}'}}, {{sha256: '{OTHER_DIGEST}'}}]"
    listed = f"{{name: a, tokens: {tokens}, scopes: [decide], actions: [view_usage, fly], limits: {text}}}"
    callers = read_callers(written(tmp_path, f"callers: [{listed}]"))
    assert [(one.actions, one.limits) for one in callers] == [(frozenset({"view_usage", "fly"}), limits)] * 2


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
            ["callers: the same token or certificate stands twice"],
        ),
        (
            f"callers: [{{name: a, tokens: [{{sha256: '{DIGEST}'}}, {{sha256: '{DIGEST}'}}], scopes: [decide]}}]",
            ["callers: the same token or certificate stands twice"],
        ),
        (
            (
                f"callers: [{{name: a, certificate_sha256: '{DIGEST}', scopes: [decide]}},"
                f" {{name: a, token_sha256: '{OTHER_DIGEST}', scopes: [decide]}}]"
            ),
            ["callers: a name stands twice: list the tokens of a caller under its one name"],
        ),
        ("callers: [{name: a, tokens: [], scopes: [decide]}]", [f"callers[0].tokens: {NO_TOKENS}"]),
        (
            (
                "callers: [{name: a, tokens: [1, {sha256: secret, expires: tomorrow}, {expires: 2027-01-31}],"
                " certificate_sha256: secret, scopes: [decide]}]"
            ),
            [
                f"callers[0].tokens[0]: {NO_TOKEN}",
                f"callers[0].tokens[1].sha256: {NO_DIGEST}",
                f"callers[0].tokens[1].expires: {NO_MOMENT}",
                f"callers[0].tokens[2]: {NO_TOKEN}",
                f"callers[0].certificate_sha256: {NO_CERTIFICATE}",
            ],
        ),
        (
            f"callers: [{{name: a, tokens: [{{sha256: '{DIGEST}', expires: 2027-01-31T18:00:00}}], scopes: [decide]}}]",
            [f"callers[0].tokens[0].expires: {NO_MOMENT}"],
        ),
        *(
            (f"callers: [{{name: a, scopes: [decide], actions: {value}}}]", [f"callers[0].actions: {NO_ACTIONS}"])
            for value in ("[]", "view_usage", "[1]", "['']")
        ),
        *(
            (f"callers: [{{name: a, scopes: [decide], limits: {value}}}]", [f"callers[0].limits{fault}"])
            for value, fault in {
                "{}": f": {NO_LIMITS}",
                "[1]": f": {NO_LIMITS}",
                "{per_minute: 1}": f": {NO_LIMITS}",
                "{per_second: 0}": ".per_second: must be a number above 0",
                "{per_second: true}": ".per_second: must be a number above 0",
                "{per_second: .inf}": ".per_second: must be a number above 0",
                "{per_second: .nan}": ".per_second: must be a number above 0",
                "{per_second: 1, burst: 0}": ".burst: must be a whole number, 1 or more",
                "{concurrent: 1.5}": ".concurrent: must be a whole number, 1 or more",
                "{concurrent: 1, burst: 5}": ".burst: is of use with per_second alone",
            }.items()
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
