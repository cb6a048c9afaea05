"""For each alert what Prometheus has to see for it to fire, and what is just not enough, every 15 seconds."""

from typing import NamedTuple

Series = dict[str, str]


class Case(NamedTuple):
    """What is seen, by series.

    Attributes:
        fires: When it has to fire at the end.
        is_silent: When it must not.
        minutes: How long it is seen.
        fires_too: When else it has to fire.
    """

    fires: Series
    is_silent: Series
    minutes: int = 40
    fires_too: Series | None = None


def _steady(series: str, value: float, other: float, minutes: int = 40) -> Case:
    steps = minutes * 4
    return Case({series: f"{value}+0x{steps}"}, {series: f"{other}+0x{steps}"}, minutes)


def _rising(series: str, by: float, other: float) -> Case:
    return Case({series: f"0+{by}x160"}, {series: f"0+{other}x160"})


def _buckets(name: str, labels: str, slow: int) -> Series:
    """A thousand a step, of which so many take longer than a tenth of a second."""
    return {
        f'{name}_bucket{{{labels}le="0.1"}}': f"0+{1000 - slow}x160",
        f'{name}_bucket{{{labels}le="0.5"}}': "0+1000x160",
        f'{name}_bucket{{{labels}le="+Inf"}}': "0+1000x160",
    }


_DECISIONS = 'authz_decisions_total{action="view_usage",answer="permit",source="memory"}'
_DENIED = 'authz_decisions_total{action="view_usage",answer="deny",source="memory"}'
_FAILURES = 'authz_failures_total{cause="database",status="503"}'
_IN_USE = 'authz_database_connections{instance="a",pool="work",state="in_use"}'
_MOST = 'authz_database_connections_max{instance="a",pool="work"}'
_SINGLE = 'stage="whole",questions="one",'
_SINGLES, _BATCHES = (f'authz_stage_seconds_count{{stage="whole",questions="{asked}"}}' for asked in ("one", "several"))
_OLDEST = 'authz_letters_oldest_waiting_seconds{instance="a"}'
_FAILED_LETTERS = 'authz_letters{instance="a",state="failed"}'
_DAY = 24 * 60 + 60
_FAILED = 'bundle_failed_load_counter{instance="a",name="authz",message="%d"}'
_ASKED = 'last_success_bundle_request{instance="a",name="authz"}'

CASES = {
    "AuthzReplicaDown": _steady('up{job="authz-service",instance="a"}', 0, 1),
    "AuthzNothingDecided": Case({"other": "1+0x160"}, {'authz_build_info{version="1"}': "1+0x160"}),
    # A batch of a thousand that is answered is one request, as is one that is not.
    "AuthzRequestsFail": Case(
        {_FAILURES: "0+2x160", _SINGLES: "0+50x160", _BATCHES: "0+50x160", _DECISIONS: "0+50050x160"},
        {_FAILURES: "0+1x160", _SINGLES: "0+100x160", _BATCHES: "0+100x160", _DECISIONS: "0+100100x160"},
        # Nothing has been answered since the start.
        fires_too={_FAILURES: "0+2x160"},
    ),
    "AuthzDecisionsSlow": Case(
        _buckets("authz_stage_seconds", _SINGLE, 20), _buckets("authz_stage_seconds", _SINGLE, 5)
    ),
    "AuthzWorkersMissing": Case(
        {'authz_workers{instance="a"}': "1+0x160", 'authz_workers_wanted{instance="a"}': "2+0x160"},
        {'authz_workers{instance="a"}': "2+0x160", 'authz_workers_wanted{instance="a"}': "2+0x160"},
    ),
    "AuthzOpaSilent": _steady('authz_policy_confirmed_age_seconds{instance="a"}', 6, 4),
    "AuthzOpaRestarts": _rising('authz_opa_restarts_total{instance="a"}', 0.1, 0.01),
    "AuthzPolicyEditRejected": _steady('authz_policy_rejected_findings{instance="a"}', 1, 0),
    "AuthzPoliciesDiffer": Case(
        {f'authz_policy_info{{instance="{name}",revision="{name}"}}': "1+0x160" for name in "ab"},
        {f'authz_policy_info{{instance="{name}",revision="a"}}': "1+0x160" for name in "ab"},
    ),
    # Each failure with a message of its own; and a dozen after one another, as often as OPA tries within a minute.
    "AuthzBundleRefused": Case(
        {_FAILED % at: f"_x{at * 4} 1+0x{160 - at * 4}" for at in range(40)}, {_FAILED % 0: "0+0x100 12+0x60"}
    ),
    # Of a time before 1970, where the server has not answered since the start; and a minute ago at most.
    "AuthzBundleOverdue": Case({_ASKED: "-6795364578871345000+0x160"}, {_ASKED: "0+15000000000x160"}),
    "AuthzDeniesMore": Case(
        {_DECISIONS: f"0+90x{_DAY * 4}", _DENIED: f"0+3x{(_DAY - 90) * 4} {3 * (_DAY - 90) * 4}+30x360"},
        {_DECISIONS: f"0+90x{_DAY * 4}", _DENIED: f"0+30x{_DAY * 4}"},
        _DAY,
    ),
    "AuthzJournalNotWritten": _steady('authz_journal_writers_failing{instance="a"}', 1, 0),
    "AuthzJournalNotSigned": _steady('authz_journal_unsigned_age_seconds{instance="a"}', 61, 59),
    "AuthzJournalBehind": _steady('authz_journal_behind_bytes{instance="a"}', 70_000_000, 60_000_000),
    "AuthzDiskSlow": Case(
        _buckets("authz_journal_sync_seconds", 'instance="a",', 20),
        _buckets("authz_journal_sync_seconds", 'instance="a",', 5),
    ),
    "AuthzDatabaseDown": _steady('authz_database_up{instance="a"}', 0, 1),
    "AuthzConnectionsUsedUp": Case({_IN_USE: "21+0x160", _MOST: "22+0x160"}, {_IN_USE: "19+0x160", _MOST: "22+0x160"}),
    "AuthzLettersFailed": _steady('authz_letters{instance="a",state="failed"}', 1, 0),
    # One that failed neither makes it fire nor keeps it silent.
    "AuthzLettersWait": Case(
        {_OLDEST: "3601+0x160", _FAILED_LETTERS: "1+0x160"}, {_OLDEST: "3599+0x160", _FAILED_LETTERS: "1+0x160"}
    ),
    "AuthzTokensRefused": _rising(
        'authz_refusals_total{instance="a",endpoint="decide.evaluation",status="401"}', 20, 10
    ),
    "AuthzCallerLimited": _rising(
        'authz_refusals_total{instance="a",endpoint="decide.evaluation",status="429"}', 20, 10
    ),
}
