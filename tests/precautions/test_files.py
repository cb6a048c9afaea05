import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authz_service.precautions.files import loose_files
from authz_service.settings import Settings
from authz_service.words import Risk

READ, BY_GROUP, BY_ALL = (
    "may be read by everybody on this machine",
    "may be changed by its group",
    "may be changed by everybody on this machine",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything that a service has, all of it private."""
    tmp_path.chmod(0o700)
    files = (
        "authz.db", "authz.db-wal", "authz.db-shm", "authz.db.key", "callers.yaml", "metadata.pem", "journal.pem",
        "verification.pem", "key", "authz.db.journal/pseudonyms.key", "authz.db.journal/signing.pem",
        "policies/rules.rego",
    )  # fmt: skip
    for name in files:
        file = tmp_path / name
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
    return tmp_path


def settings(folder: Path, **more: Any) -> Settings:  # noqa: ANN401 - of any setting
    given = {
        "policies": folder / "policies",
        "callers": folder / "callers.yaml",
        "metadata_key": folder / "metadata.pem",
        "journal_signing_key": folder / "journal.pem",
        "bundle_verification_key": folder / "verification.pem",
    }
    return Settings(f"sqlite:///{folder}/authz.db", **given | more)


def told(folder: Path, **more: Any) -> list[str]:  # noqa: ANN401 - of any setting
    found = list(loose_files(settings(folder, **more), {"AUTHZ_JOURNAL_KEY_FILE": folder / "key"}))
    assert {finding.risk for finding in found} <= {Risk.FILES}
    return [f"{'fault' if finding.is_fault else 'warning'}: {finding.what}" for finding in found]


def test_where_everything_is_private_nothing_is_told(folder: Path) -> None:
    assert told(folder) == []


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("AUTHZ_DATABASE_URL", "authz.db"),
        ("AUTHZ_DATABASE_URL", "authz.db-wal"),
        ("AUTHZ_DATABASE_URL", "authz.db-shm"),
        ("AUTHZ_DATABASE_URL", "authz.db.key"),
        ("AUTHZ_METADATA_KEY", "metadata.pem"),
        ("AUTHZ_JOURNAL_SIGNING_KEY", "journal.pem"),
        ("AUTHZ_JOURNAL_KEY_FILE", "key"),
        ("AUTHZ_JOURNAL_FOLDER", "authz.db.journal"),
        ("AUTHZ_JOURNAL_FOLDER", "authz.db.journal/pseudonyms.key"),
        ("AUTHZ_JOURNAL_FOLDER", "authz.db.journal/signing.pem"),
    ],
)
@pytest.mark.parametrize(
    ("loosened", "who", "mend"),
    [
        (0o004, READ, "o-r"),
        (0o040, None, None),
        (0o020, BY_GROUP, "g-w"),
        (0o024, BY_GROUP, "g-w,o-r"),
        (0o002, BY_ALL, "o-w"),
        (0o066, BY_ALL, "g-w,o-w,o-r"),
    ],
)
def test_what_is_private_is_at_fault_as_soon_as_all_can_read_or_others_can_write(
    folder: Path, setting: str, name: str, loosened: int, who: str | None, mend: str | None
) -> None:
    path = folder / name
    path.chmod(path.stat().st_mode | loosened)
    found = told(folder)
    expected = [f"fault: {setting}: {path} {who}; mend it with: chmod {mend} {path}"] if who else []
    # A folder that all can write is told of once more, for what is in it.
    assert found[:1] == expected
    assert all(str(path) in line for line in found)


def test_the_folder_of_a_journal_elsewhere_is_looked_at(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)
    [fault] = told(folder, journal_folder=elsewhere)
    assert fault == f"fault: AUTHZ_JOURNAL_FOLDER: {elsewhere} {READ}; mend it with: chmod o-r {elsewhere}"


@pytest.mark.parametrize(
    ("mode", "finding"),
    [
        (0o600, None),
        (0o640, None),
        (0o644, f"warning {READ}"),
        (0o660, f"fault {BY_GROUP}"),
        (0o602, f"fault {BY_ALL}"),
    ],
)
def test_who_may_call_is_no_secret_but_for_nobody_else_to_change(folder: Path, mode: int, finding: str | None) -> None:
    callers = folder / "callers.yaml"
    callers.chmod(mode)
    found = [line.split("; mend")[0].replace(f": AUTHZ_CALLERS: {callers}", "") for line in told(folder)]
    assert found == ([finding] if finding else [])


@pytest.mark.parametrize(("mode", "is_fault"), [(0o644, False), (0o664, True), (0o646, True)])
def test_the_key_that_policies_are_verified_with_is_public_but_for_nobody_else_to_change(
    folder: Path, mode: int, *, is_fault: bool
) -> None:
    key = folder / "verification.pem"
    key.chmod(mode)
    found = told(folder)
    assert [line.startswith(f"fault: AUTHZ_BUNDLE_VERIFICATION_KEY: {key} may be changed") for line in found] == (
        [True] if is_fault else []
    )


def test_a_folder_in_which_all_may_put_files_is_at_fault_but_not_one_like_tmp(folder: Path) -> None:
    folder.chmod(0o777)
    assert told(folder) == [f"fault: AUTHZ_JOURNAL_KEY_FILE: {folder} {BY_ALL}; mend it with: chmod o-w {folder}"]
    folder.chmod(0o1777)
    assert told(folder) == []


def test_a_policy_that_all_may_change_is_at_fault_named_once(folder: Path) -> None:
    policies = folder / "policies"
    (policies / "rules.rego").chmod(0o666)
    [fault] = told(folder)
    assert fault == f"fault: AUTHZ_POLICIES: {policies}/rules.rego {BY_ALL}; mend it with: chmod -R g-w,o-w {policies}"
    policies.chmod(0o777)
    [fault] = told(folder)
    assert f"{policies}, and 1 more in it, {BY_ALL}" in fault
    assert told(folder, opa_url="http://localhost:8181") == []


def test_a_policy_that_its_group_may_change_is_at_fault_as_a_callers_file_is(folder: Path) -> None:
    policies = folder / "policies"
    (policies / "rules.rego").chmod(0o664)
    [fault] = told(folder)
    assert fault == f"fault: AUTHZ_POLICIES: {policies}/rules.rego {BY_GROUP}; mend it with: chmod -R g-w {policies}"


def test_a_shadow_policy_is_looked_at_as_the_policy_is_wherever_opa_runs(folder: Path) -> None:
    shadow = folder / "shadow"
    shadow.mkdir(mode=0o700)
    (shadow / "rules.rego").touch()
    (shadow / "rules.rego").chmod(0o646)
    found = told(folder, shadow_policies=shadow, opa_url="http://localhost:8181")
    assert found == [f"fault: AUTHZ_SHADOW_POLICIES: {shadow}/rules.rego {BY_ALL}; mend it with: chmod -R o-w {shadow}"]


@pytest.mark.parametrize(("mode", "is_fault"), [(0o600, False), (0o660, False), (0o755, False), (0o662, True)])
def test_a_socket_of_opa_that_all_may_connect_to_is_at_fault(folder: Path, mode: int, *, is_fault: bool) -> None:
    path = folder / "opa.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(mode)
        found = told(folder, opa_url=f"unix://{path}")
    assert found == ([f"fault: AUTHZ_OPA_URL: {path} {BY_ALL}; mend it with: chmod o-w {path}"] if is_fault else [])


@pytest.mark.parametrize("setting", ["policies", "shadow_policies", "callers", "opa_url"])
@pytest.mark.parametrize("above", ["open", "open/deep"])
def test_where_all_may_put_another_in_the_place_of_it_or_of_a_folder_above_it_that_is_told(
    folder: Path, setting: str, above: str
) -> None:
    loose, path = folder / "open", folder / above / "it"
    path.parent.mkdir(mode=0o700, parents=True)
    path.touch(mode=0o600)
    loose.chmod(0o777)
    given = f"unix://{path}" if setting == "opa_url" else path
    kind = "warning" if setting == "opa_url" else "fault"
    expected = f"{kind}: AUTHZ_{setting.upper()}: {loose} {BY_ALL}; mend it with: chmod o-w {loose}"
    assert told(folder, **{setting: given}) == [expected]
    loose.chmod(0o1777)
    assert told(folder, **{setting: given}) == []


def test_the_folders_of_what_symlinks_lead_to_are_looked_at_and_those_of_each_symlink(folder: Path) -> None:
    for name in ("first", "second", "third"):
        (folder / name).mkdir(mode=0o700)
    (folder / "third" / "policies").mkdir(mode=0o700)
    (folder / "second" / "link").symlink_to("../third/policies")
    (folder / "first" / "link").symlink_to(folder / "second" / "link")
    given = folder / "first" / "link"
    assert told(folder, policies=given) == []
    for name in ("first", "second", "third"):
        loose = folder / name
        loose.chmod(0o777)
        assert told(folder, policies=given) == [
            f"fault: AUTHZ_POLICIES: {loose} {BY_ALL}; mend it with: chmod o-w {loose}"
        ]
        loose.chmod(0o700)


def test_a_symlink_that_leads_in_a_circle_is_for_others_to_tell(folder: Path) -> None:
    (folder / "circle").symlink_to("circle")
    assert told(folder, policies=folder / "circle") == []


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has what is given belong to another user, which root alone could do for a test."""
    lstat = Path.lstat

    def own(*paths: Path) -> None:
        def as_of_another(path: Path) -> os.stat_result:
            found = lstat(path)
            return os.stat_result([*found[:4], 65534, *found[5:10]]) if path in paths else found

        monkeypatch.setattr(Path, "lstat", as_of_another)

    return own


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("AUTHZ_CALLERS", "callers.yaml"),
        ("AUTHZ_POLICIES", "policies"),
        ("AUTHZ_METADATA_KEY", "metadata.pem"),
        ("AUTHZ_BUNDLE_VERIFICATION_KEY", "verification.pem"),
        ("AUTHZ_JOURNAL_KEY_FILE", ""),
    ],
)
def test_what_belongs_to_another_user_or_is_in_a_folder_of_another_is_at_fault(
    folder: Path, setting: str, name: str, owned: Callable[..., None]
) -> None:
    path = folder / name
    owned(path)
    [fault] = told(folder)
    assert fault == (
        f"fault: {setting}: {path} belongs to user 65534, who may change it or put another in its place;"
        f" mend it with: chown {os.geteuid()} {path}, or have {setting} elsewhere"
    )


def test_a_rule_of_another_user_is_at_fault(folder: Path, owned: Callable[..., None]) -> None:
    policies = folder / "policies"
    owned(policies / "rules.rego")
    [fault] = told(folder)
    assert fault == (
        f"fault: AUTHZ_POLICIES: {policies}/rules.rego belongs to user 65534, who may change it;"
        f" mend it with: chown -R {os.geteuid()} {policies}"
    )


def test_a_socket_may_be_that_of_another_user_in_a_folder_of_that_user_but_not_where_all_could_make_it(
    folder: Path, owned: Callable[..., None]
) -> None:
    run = folder / "run"
    run.mkdir(mode=0o750)
    path = run / "opa.sock"
    path.touch(mode=0o660)
    owned(run, path)
    assert told(folder, opa_url=f"unix://{path}") == []
    owned(run)
    [fault] = told(folder, opa_url=f"unix://{path}")
    assert fault.startswith(f"fault: AUTHZ_OPA_URL: {run} belongs to user 65534, ")
    owned(path)
    run.chmod(0o1777)
    [fault] = told(folder, opa_url=f"unix://{path}")
    assert fault.startswith(f"fault: AUTHZ_OPA_URL: {path} belongs to user 65534, ")


def test_what_is_not_there_yet_is_not_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert told(tmp_path) == []
    assert list(loose_files(Settings("postgresql+psycopg://localhost/authz"), {})) == []
    assert list(loose_files(Settings(""), {})) == []
