"""Only what is signed comes into force, and nothing older than what was in force, unless somebody says so."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from authz_service.errors import DatabaseUnavailable, InvalidPolicy
from authz_service.opa import supervisor
from authz_service.opa.bundle import build_bundle
from authz_service.opa.engine import OpaEngine
from authz_service.opa.signed import SignedPolicies
from authz_service.opa.signing import read_private_key, read_public_key
from authz_service.opa.supervisor import PolicyStatus, SupervisedOpa, read_status
from tests.bundles import metadata_of, rewritten
from tests.processes import wait_until
from tests.signing import ED25519, P_256, KeyPair, key_pair

DECISION = Path("bundle/authz/decision/decision.rego")
SAID = "This cannot be done here."


class Made(NamedTuple):
    """Three policies, each signed with its sequence, and bundles that are not to be taken."""

    first: Path
    second: Path
    third: Path
    unsigned: Path
    by_another: Path
    without_sequence: Path
    key: KeyPair
    other: KeyPair
    policies: Path


@pytest.fixture(scope="module")
def made(opa: Path, policies: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("signed")
    key, other = key_pair(folder, "key", ED25519), key_pair(folder, "other", P_256)
    private = read_private_key(key.private)
    bundles = []
    for sequence in (1, 2, 3):
        policy = shutil.copytree(policies, folder / f"policies-{sequence}")
        rules = policy / DECISION
        rules.write_text(rules.read_text().replace(SAID, f"Policy {sequence} says no."))
        bundles.append(folder / f"{sequence}.tar.gz")
        build_bundle(opa, policy, bundles[-1], signing=private, sequence=sequence)
    unsigned, by_another, without_sequence = (folder / f"{name}.tar.gz" for name in ("unsigned", "another", "without"))
    policy = folder / "policies-3"
    build_bundle(opa, policy, unsigned, sequence=4)
    build_bundle(opa, policy, by_another, signing=read_private_key(other.private), sequence=4)
    build_bundle(opa, policy, without_sequence, signing=private)
    first, second, third = bundles
    return Made(first, second, third, unsigned, by_another, without_sequence, key, other, policies)


@pytest.fixture
def signed(made: Made, database: Engine) -> SignedPolicies:
    return SignedPolicies(read_public_key(made.key.public), database)


@pytest.fixture
def take(opa: Path, signed: SignedPolicies, tmp_path: Path) -> Callable[[Path], str]:
    return lambda bundle: signed.take(opa, bundle, tmp_path / "taken.tar.gz")


def refused(take: Callable[[Path], str], bundle: Path) -> str:
    with pytest.raises(InvalidPolicy) as refusal:
        take(bundle)
    [fault] = refusal.value.faults
    assert fault.file == str(bundle)
    return fault.what


# what is not signed


def test_what_is_signed_is_taken_to_the_byte(take: Callable[[Path], str], made: Made, tmp_path: Path) -> None:
    take(made.first)
    assert (tmp_path / "taken.tar.gz").read_bytes() == made.first.read_bytes()


def test_what_nobody_vouches_for_is_refused_and_the_place_left_alone(
    take: Callable[[Path], str], made: Made, tmp_path: Path
) -> None:
    take(made.first)
    before = (tmp_path / "taken.tar.gz").read_bytes()
    tampered = tmp_path / "tampered.tar.gz"
    rewritten(made.second, tampered, {**metadata_of(made.second), "sequence": 99})
    said = {
        made.policies: "is a folder, and nobody signs those; ",
        made.unsigned: "is not signed; ",
        made.by_another: "is signed with ES256, and ",
        made.without_sequence: "has no sequence, ",
        tampered: "is not what was signed: ",
        tmp_path / "nowhere.tar.gz": "does not exist",
    }
    for bundle, what in said.items():
        assert refused(take, bundle).startswith(what)
    assert (tmp_path / "taken.tar.gz").read_bytes() == before


# what is older


def test_what_is_newer_is_taken_and_the_older_no_more(take: Callable[[Path], str], made: Made) -> None:
    take(made.first)
    take(made.third)
    assert "it has sequence 2, and 3 was taken" in refused(take, made.second)
    assert "it has sequence 1, and 3 was taken" in refused(take, made.first)
    take(made.third)


def test_another_policy_of_the_same_sequence_is_refused(
    opa: Path, take: Callable[[Path], str], made: Made, policies: Path, tmp_path: Path
) -> None:
    same = tmp_path / "same.tar.gz"
    build_bundle(opa, policies, same, signing=read_private_key(made.key.private), sequence=2)
    take(made.second)
    assert "it has sequence 2, and 2 was taken" in refused(take, same)


def test_the_same_policy_built_again_is_taken_and_its_sequence_counts(
    opa: Path, take: Callable[[Path], str], made: Made, tmp_path: Path
) -> None:
    again = tmp_path / "again.tar.gz"
    private = read_private_key(made.key.private)
    build_bundle(opa, made.first.with_name("policies-1"), again, signing=private, sequence=7)
    take(made.first)
    take(again)
    take(made.first)
    assert "and 7 was taken" in refused(take, made.third)


def test_another_key_begins_anew(
    opa: Path, made: Made, database: Engine, take: Callable[[Path], str], tmp_path: Path
) -> None:
    take(made.third)
    older = tmp_path / "older.tar.gz"
    other = read_private_key(made.other.private)
    build_bundle(opa, made.first.with_name("policies-1"), older, signing=other, sequence=1)
    SignedPolicies(read_public_key(made.other.public), database).take(opa, older, tmp_path / "other.tar.gz")


def test_an_older_one_is_taken_once_where_that_is_allowed(
    opa: Path, made: Made, any_database: Engine, tmp_path: Path
) -> None:
    signed = SignedPolicies(read_public_key(made.key.public), any_database)

    def take(bundle: Path) -> str:
        return signed.take(opa, bundle, tmp_path / "taken.tar.gz")

    take(made.first)
    take(made.second)
    signed.allow_rollback(opa, made.first)
    # Until it is in its place, the one in force can be started with.
    take(made.second)
    take(made.first)
    take(made.first)
    assert "it has sequence 2, and 2 was taken" in refused(take, made.second)
    take(made.third)
    assert "it has sequence 1, and 3 was taken" in refused(take, made.first)


def test_a_permission_is_for_one_policy(
    opa: Path, made: Made, signed: SignedPolicies, take: Callable[[Path], str]
) -> None:
    take(made.third)
    signed.allow_rollback(opa, made.first)
    assert "it has sequence 2" in refused(take, made.second)


def test_a_newer_policy_ends_the_permission(
    opa: Path, made: Made, signed: SignedPolicies, take: Callable[[Path], str]
) -> None:
    take(made.second)
    signed.allow_rollback(opa, made.first)
    take(made.third)
    assert "it has sequence 1" in refused(take, made.first)


def test_a_rollback_that_needs_no_permission_or_is_not_signed_is_not_allowed(
    opa: Path, made: Made, signed: SignedPolicies, take: Callable[[Path], str]
) -> None:
    def allow(bundle: Path) -> str:
        return signed.allow_rollback(opa, bundle).revision

    assert refused(allow, made.first).startswith("is not older than what was taken")
    take(made.second)
    assert refused(allow, made.second).startswith("is not older than what was taken")
    assert refused(allow, made.third).startswith("is not older than what was taken")
    assert refused(allow, made.unsigned).startswith("is not signed")


def test_examining_takes_nothing(opa: Path, made: Made, signed: SignedPolicies, take: Callable[[Path], str]) -> None:
    assert signed.examine(opa, made.third).sequence == 3
    take(made.second)
    assert refused(lambda bundle: signed.examine(opa, bundle).revision, made.first).startswith(
        "is another policy than "
    )


# while it runs


class Running(NamedTuple):
    """A supervised OPA with the place of its bundle, and somebody to ask it."""

    opa: SupervisedOpa
    place: Path
    engine: OpaEngine

    def put(self, bundle: Path) -> None:
        new = self.place.with_name(".new")
        shutil.copyfile(bundle, new)
        new.replace(self.place)

    def revision(self) -> str:
        return self.engine.ask(()).revision

    def status(self) -> PolicyStatus:
        status = read_status(self.opa.status_file)
        assert status
        return status

    def rejected(self) -> str:
        wait_until(lambda: self.status().rejected != ())
        [told] = self.status().rejected
        return told


@pytest.fixture
def running(opa: Path, made: Made, signed: SignedPolicies, tmp_path: Path) -> Iterator[Running]:
    place = tmp_path / "place.tar.gz"
    shutil.copyfile(made.second, place)
    with SupervisedOpa(opa, place, signed) as supervised, closing(OpaEngine(supervised.url)) as engine:
        yield Running(supervised, place, engine)


def test_a_newer_signed_policy_comes_into_force(running: Running, made: Made) -> None:
    before = running.revision()
    running.put(made.third)
    wait_until(lambda: running.revision() != before)
    wait_until(lambda: running.status().revision == running.revision())


def test_whatever_is_not_to_be_taken_is_told_and_the_policy_before_stays_in_force(running: Running, made: Made) -> None:
    before = running.status()
    for bundle, said in {
        made.first: "is another policy than revision",
        made.unsigned: "is not signed",
        made.by_another: "is signed with ES256",
    }.items():
        running.put(bundle)
        assert running.rejected().startswith(f"{running.place}: {said}")
        assert (running.revision(), running.status()[:2]) == (before.revision, before[:2])
        running.put(made.second)
        wait_until(lambda: running.status() == before)


def test_a_folder_in_the_place_of_the_bundle_is_told(running: Running, policies: Path) -> None:
    before = running.revision()
    running.place.unlink()
    running.place.symlink_to(policies)
    assert running.rejected().startswith(f"{running.place}: is a folder, and nobody signs those")
    assert running.revision() == before


def test_an_older_policy_is_refused_after_a_restart_too(opa: Path, made: Made, signed: SignedPolicies) -> None:
    with SupervisedOpa(opa, made.second, signed):
        pass
    with pytest.raises(InvalidPolicy, match="is another policy than revision"), SupervisedOpa(opa, made.first, signed):
        pass


def test_a_policy_is_taken_once_the_database_is_back(
    running: Running, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_TRY_AGAIN_SECONDS", 0.1)
    before = running.revision()
    with monkeypatch.context() as away:

        def unavailable(*_: object) -> None:
            raise DatabaseUnavailable("The database does not answer.")

        away.setattr(SignedPolicies, "_mark", unavailable)
        running.put(made.third)
        assert "The database does not answer." in running.rejected()
        assert running.revision() == before
    wait_until(lambda: running.revision() != before)
    wait_until(lambda: running.status().rejected == ())
