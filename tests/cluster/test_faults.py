"""What callers see of a cluster that loses its parts, and whether anything is lost or wrong afterwards.

Each fault is injected while callers decide and take over through the proxy. The tests at the end look at all that
these were told.
"""

import re
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from authz_service.journal.pseudonyms import Pseudonyms
from authz_service.storage.database import reading, writing
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import Witness
from tests.cluster.evidence import Journals, answered, otherwise_judged, read_journals
from tests.cluster.households import CONTESTED, SIDES, STABLE, person
from tests.cluster.later_version import make_later_version
from tests.cluster.load import BATCH, DECIDING, DECISION, TAKE_OVER, TAKING_OVER, Call, Load
from tests.cluster.replica import Replica
from tests.conftest import ROOT
from tests.earlier import earlier_policies
from tests.postgresql import PostgreSQL
from tests.processes import wait_until
from tests.reference import ADMINISTRATOR_ACTIONS
from tests.services import question
from tests.signing import P_256, private_key

PATIENCE_SECONDS = 120.0
NOTHING = "nothing"
ROLES = {"ada": "administrator", "uli": "user", "eve": "user"}
NEVER_ASKED_BEFORE = [
    question(who, action, "customer", STABLE)
    for action in sorted(ADMINISTRATOR_ACTIONS)
    for who in (*ROLES, "ann.2001")
]
ANSWER_IS_CUT = {"ChunkedEncodingError", "ConnectionError"}


# faults


def test_nothing_fails_while_nothing_is_broken(witness: Witness) -> None:
    with witness.sees("Nothing", NOTHING) as load:
        load.wait_for_more()
    assert load.failed(DECISION, BATCH, TAKE_OVER) == []


def test_a_killed_replica_costs_the_take_overs_in_its_hand_and_the_decisions_that_it_was_just_answering(
    cluster: Cluster, witness: Witness
) -> None:
    replica = cluster.replicas[0]
    in_hand = DECIDING + TAKING_OVER
    bound = f"what that replica has in hand, {in_hand} here; of decisions those alone whose answer is under way"
    before = cluster.proxy.retries()
    with witness.sees("A replica is killed", bound) as load:
        replica.service.kill()
        wait_until(lambda: not cluster.proxy.sends_to(replica.name), PATIENCE_SECONDS)
        load.wait_for_more()
        replica.service.start()
    assert len(load.failed(DECISION, BATCH)) <= DECIDING
    assert len(load.failed(TAKE_OVER)) <= TAKING_OVER
    assert {call.told for call in load.failed(DECISION, BATCH)} <= ANSWER_IS_CUT
    assert cluster.proxy.retries() > before


def test_a_killed_sidecar_costs_what_its_replica_was_never_asked_before_until_the_proxy_has_noticed(
    cluster: Cluster, witness: Witness
) -> None:
    replica = cluster.replicas[1]
    bound = f"what that replica was never asked before, until the proxy has noticed: {len(NEVER_ASKED_BEFORE)} here"
    with witness.sees("The OPA of a replica is killed", bound) as load:
        replica.sidecar.kill()
        load.ask_once(NEVER_ASKED_BEFORE)
        wait_until(lambda: not cluster.proxy.sends_to(replica.name), PATIENCE_SECONDS)
        noticed = time.monotonic()
        assert not replica.readiness()["checks"]["opa"]["ok"]
        load.wait_for_more()
        replica.sidecar.start()
    failed = load.failed(DECISION, BATCH, TAKE_OVER)
    assert len(failed) <= len(NEVER_ASKED_BEFORE)
    assert {call.told for call in failed} <= {"503"}
    assert [call for call in failed if call.kind == DECISION and call.asked not in NEVER_ASKED_BEFORE] == []
    assert [call for call in failed if call.began > noticed] == []


def test_a_killed_bundle_server_costs_nothing_and_a_sidecar_that_starts_meanwhile_has_its_policy(
    cluster: Cluster, witness: Witness
) -> None:
    replica = cluster.replicas[2]
    revision = replica.revision()
    with witness.sees("The bundle server is killed, and an OPA meanwhile", NOTHING) as load:
        cluster.bundles.kill()
        replica.sidecar.kill()
        replica.sidecar.start()
        wait_until(lambda: replica.is_ready() and replica.revision() == revision, PATIENCE_SECONDS)
        load.wait_for_more()
        cluster.bundles.start()
    assert load.failed(DECISION, BATCH, TAKE_OVER) == []


def test_a_policy_that_is_signed_by_somebody_else_is_fetched_and_never_answers(
    cluster: Cluster, witness: Witness, policies: Path, tmp_path: Path
) -> None:
    theirs = reworded(policies, tmp_path / "theirs")
    before = [replica.revision() for replica in cluster.replicas]
    with witness.sees("A policy that somebody else has signed is served", NOTHING) as load:
        seen = fetched(cluster)
        revision = cluster.published.publish_unvouched(theirs, private_key(tmp_path, "theirs", P_256))
        # Twice, as the first may be of a moment before.
        wait_until(
            lambda: all(fetched(cluster)[name] >= seen[name] + 2 for name in cluster.published.replicas),
            PATIENCE_SECONDS,
        )
        load.wait_for_more()
        assert [replica.revision() for replica in cluster.replicas] == before
        cluster.published.publish(policies)
    assert revision not in before
    assert load.failed(DECISION, BATCH, TAKE_OVER) == []


def test_postgresql_that_is_killed_and_started_again_costs_what_is_asked_meanwhile(
    cluster: Cluster, witness: Witness
) -> None:
    bound = "what is asked while it is away, with 503; nothing once it is back and the proxy has seen it"
    with witness.sees("PostgreSQL is killed, and started again on the same data", bound) as load:
        fail_over(cluster.database, load)
        cluster.wait_until_all_answer()
        mended = time.monotonic()
        load.wait_for_more()
    failed = load.failed(DECISION, BATCH, TAKE_OVER)
    assert failed
    assert {call.told for call in failed} == {"503"}
    assert [call for call in failed if call.began > mended] == []


def test_a_policy_is_rolled_out_to_one_replica_and_then_to_all_and_taken_back(
    cluster: Cluster, witness: Witness, policies: Path, tmp_path: Path
) -> None:
    first, *others = cluster.replicas
    old = first.revision()
    with witness.sees("Another policy is rolled out, to one replica, to all, and taken back", NOTHING) as load:
        new = cluster.published.publish(earlier_policies(policies, tmp_path / "new"), [first.name])
        wait_until(lambda: first.revision() == new, PATIENCE_SECONDS)
        wait_until(lambda: {new, old} <= revisions_seen(load.calls[-200:]), PATIENCE_SECONDS)
        assert [replica.revision() for replica in others] == [old, old]
        for replica, revision in ((first, new), (others[0], old)):
            assert_tells(replica, revision)
        cluster.published.publish(tmp_path / "new")
        wait_until(lambda: all(replica.revision() == new for replica in others), PATIENCE_SECONDS)
        load.wait_for_more()
        cluster.published.publish(policies)
        wait_until(lambda: all(replica.revision() == old for replica in cluster.replicas), PATIENCE_SECONDS)
    assert load.failed(DECISION, BATCH, TAKE_OVER) == []


def test_later_versions_replace_replica_after_replica_with_the_tables_changed_before(
    cluster: Cluster, witness: Witness, tmp_path: Path
) -> None:
    expand = make_later_version(
        ROOT, tmp_path / "expand", "0.1.1", ["ALTER TABLE customers ADD COLUMN segment VARCHAR"]
    )
    contract = make_later_version(
        expand,
        tmp_path / "contract",
        "0.1.2",
        [
            "ALTER TABLE customers ALTER COLUMN segment SET DEFAULT 'household'",
            "ALTER TABLE customers ALTER COLUMN segment SET NOT NULL",
        ],
        is_contract=True,
    )
    with witness.sees(
        "Two later versions are rolled out replica by replica, each with a migration before", NOTHING
    ) as load:
        for version, checkout in (("0.1.1", expand), ("0.1.2", contract)):
            migrated = cluster.run("db", "upgrade", checkout=checkout)
            assert migrated.returncode == 0, migrated.stderr
            load.wait_for_more()
            assert [replica.name for replica in cluster.replicas if not replica.is_ready()] == []
            for replica in cluster.replicas:
                replica.run_code_of(checkout)
                replace(cluster, replica)
                assert is_in_metrics(replica, "authz_build_info", f'version="{version}"')
                load.wait_for_more()
            fill(cluster, load)
    assert load.failed(DECISION, BATCH, TAKE_OVER) == []


# what is so afterwards


@pytest.fixture(scope="module")
def journals(cluster: Cluster, witness: Witness) -> Journals:
    """What the journals hold once everything that was asked is in them."""
    if not witness.calls:
        with witness.sees("Nothing", NOTHING):
            pass
    with cluster.connected() as database:

        def is_all_loaded() -> bool:
            with reading(database) as connection:
                waiting = connection.scalar(text("SELECT count(*) FROM journal_outbox"))
            return waiting == 0 and all(
                replica.readiness()["checks"]["journal"]["behind_bytes"] == 0 for replica in cluster.replicas
            )

        wait_until(is_all_loaded, PATIENCE_SECONDS)
    return read_journals([replica.journal for replica in cluster.replicas])


def test_every_decision_that_was_answered_is_in_the_journal_as_it_was_answered(
    cluster: Cluster, witness: Witness, journals: Journals
) -> None:
    pseudonym = Pseudonyms(cluster.settings["AUTHZ_JOURNAL_KEY"].encode()).of
    seen = 0
    for call in witness.calls:
        if not call.is_answered or call.kind not in {DECISION, BATCH}:
            continue
        asked = call.asked.get("evaluations", [call.asked])
        for question_, answer in zip(asked, answered(call.decision_id, call.body), strict=True):
            entry = journals.entries[answer.place]
            ruling = journals.rulings[entry["ruling"]]
            assert entry["subject"] == pseudonym("person", question_["subject"]["id"])
            assert entry["action"] == question_["action"]["name"]
            assert (entry["answer"] == "permit", entry["revision"]) == (answer.allow, answer.revision)
            assert (ruling["allow"], ruling["revision"]) == (answer.allow, answer.revision)
            assert [(reason["code"], reason["cites"]) for reason in ruling["reasons"]] == answer.reasons
            seen += 1
    assert seen > 100


def test_every_decision_is_what_the_policy_of_its_revision_says(
    cluster: Cluster, witness: Witness, journals: Journals
) -> None:
    bundles = {revision: cluster.published.bundle_of(revision) for revision in cluster.published.since}
    assert len(journals.rulings) > 10
    assert otherwise_judged(journals, cluster.opa, bundles) == []


def test_every_decision_has_the_role_that_the_person_has(witness: Witness) -> None:
    for call in witness.calls:
        if call.is_answered and call.kind == DECISION:
            [answer] = answered(call.decision_id, call.body)
            assert answer.role == ROLES.get(call.asked["subject"]["id"])


def test_no_decision_is_by_a_policy_that_was_not_published_before(cluster: Cluster, witness: Witness) -> None:
    for call in witness.calls:
        if call.is_answered and call.kind in {DECISION, BATCH}:
            for answer in answered(call.decision_id, call.body):
                assert cluster.published.since[answer.revision] <= call.ended


def test_a_number_has_one_administrator_whenever_somebody_looks_and_in_the_end(
    cluster: Cluster, witness: Witness
) -> None:
    both = [answered(call.decision_id, call.body) for call in witness.calls if call.is_answered and call.kind == BATCH]
    assert both
    assert {tuple(sorted(str(each.role) for each in two)) for two in both} == {("administrator", "user")}
    with cluster.connected() as database, reading(database) as connection:
        found = connection.execute(text("SELECT customer_number FROM members WHERE role = 'administrator'"))
        counted = Counter(found.scalars())
    assert counted == Counter([STABLE, *CONTESTED])


def test_every_take_over_that_was_answered_is_in_the_journal(witness: Witness, journals: Journals) -> None:
    answers = [call for call in witness.calls if call.is_answered and call.kind == TAKE_OVER]
    kept = {call.body["decision_id"]: journals.entries[call.body["decision_id"], None]["answer"] for call in answers}
    assert kept == {call.body["decision_id"]: "permit" if call.told == "201" else "deny" for call in answers}
    assert "permit" in kept.values()


def test_people_have_taken_over_from_each_other_in_turn(cluster: Cluster, journals: Journals) -> None:
    """Nobody becomes administrator twice without having lost it between, whichever replica answered."""
    pseudonym = Pseudonyms(cluster.settings["AUTHZ_JOURNAL_KEY"].encode()).of
    done = Counter((entry["customer"], entry["subject"]) for entry in journals.take_overs())
    for number in CONTESTED:
        first, second = (
            done[pseudonym("customer", number), pseudonym("person", person(side, number))] for side in SIDES
        )
        # Ann was administrator in the beginning.
        assert second - first in {0, 1}


def test_every_take_over_has_its_letter(cluster: Cluster, witness: Witness, journals: Journals) -> None:
    ordered = [(call.number, told) for call in witness.calls if call.told == "201" for told in call.body["notified"]]
    assert ordered
    wait_until(lambda: len(letters(cluster)) >= len(journals.take_overs()), PATIENCE_SECONDS)
    assert len(letters(cluster)) == len(journals.take_overs())
    assert Counter(ordered) <= Counter(letters(cluster).values())


def test_the_journals_of_all_replicas_verify(cluster: Cluster, journals: Journals) -> None:
    first, *others = (str(replica.journal) for replica in cluster.replicas)
    archives = [word for other in others for word in ("--archive", other)]
    verified = cluster.run("journal", "verify", *archives, settings={"AUTHZ_JOURNAL_FOLDER": first})
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "nothing was changed, removed, inserted or reordered" in verified.stdout
    [counted] = re.findall(r"with ([\d,]+) entries", verified.stdout)
    assert int(counted.replace(",", "")) >= len(journals.entries)


def test_the_page_tells_of_each_fault_and_what_it_may_cost(witness: Witness) -> None:
    page = (ROOT / "docs/explanation/faults-of-a-cluster.md").read_text()
    assert [row.fault for row in witness.rows if f"| {row.fault} |" not in page or row.bound not in page] == []


# how


def revisions_seen(calls: Sequence[Call]) -> set[str]:
    decided = [call for call in calls if call.is_answered and call.kind in {DECISION, BATCH}]
    return {answer.revision for call in decided for answer in answered(call.decision_id, call.body)}


def assert_tells(replica: Replica, revision: str) -> None:
    """A replica's numbers and page come to tell of a policy: each of its workers knows of it within a second."""
    wait_until(lambda: is_in_metrics(replica, "authz_policy_info", f'revision="{revision}"'), PATIENCE_SECONDS)
    wait_until(lambda: revision in replica.status_page(), PATIENCE_SECONDS)


def is_in_metrics(replica: Replica, metric: str, label: str) -> bool:
    return any(line.startswith(f"{metric}{{") and label in line for line in replica.metrics().splitlines())


def fetched(cluster: Cluster) -> Counter[str]:
    """How often the sidecar of each replica has got a bundle from the server."""
    return Counter(re.findall(r'"GET /(\S+)/bundle.tar.gz HTTP/1.[01]" 200', cluster.bundles.log.read_text()))


def reworded(policies: Path, target: Path) -> Path:
    """Writes a policy that says the same in other words."""
    shutil.copytree(policies, target)
    grants = target / "bundle" / "authz" / "permissions" / "grants.rego"
    words = grants.read_text()
    assert "are yours to see" in words
    grants.write_text(words.replace("are yours to see", "are there for you to see"))
    return target


def fail_over(database: PostgreSQL, load: Load) -> None:
    """Kills it, has callers notice, and starts another on its data."""
    before = len(load.calls)
    database.kill()
    wait_until(
        lambda: {call.kind for call in load.calls[before:] if not call.is_answered} >= {DECISION, TAKE_OVER},
        PATIENCE_SECONDS,
    )
    database.start_again()


def replace(cluster: Cluster, replica: Replica) -> None:
    """Takes a replica out of use, ends it, starts it, and brings it into use."""
    cluster.proxy.drain(replica.name)
    wait_until(lambda: cluster.proxy.is_idle(replica.name), PATIENCE_SECONDS)
    replica.service.end()
    replica.service.start()
    replica.wait_until_ready()
    cluster.proxy.undrain(replica.name)
    cluster.wait_until_sent_to(replica)


def fill(cluster: Cluster, load: Load) -> None:
    """Gives the new column its values, one customer number after the other, while callers go on."""
    statement = text(
        "UPDATE customers SET segment = 'household' WHERE number IN"
        " (SELECT number FROM customers WHERE segment IS NULL LIMIT 1 FOR UPDATE)"
    )
    with cluster.connected() as database:
        changed = 1
        while changed:
            with writing(database) as connection:
                changed = connection.execute(statement).rowcount
    load.wait_for_more()


def letters(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """By its id, the number that each letter is about and the person that it went to."""
    found = {}
    for message in list(cluster.mail.mailbox.messages):
        [number] = re.findall(r"\d+", str(message["Subject"]))
        found[str(message["Message-ID"])] = (number, str(message["To"]).partition("@")[0])
    return found
