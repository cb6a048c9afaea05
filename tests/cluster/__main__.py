"""`make cluster`: starts the cluster, says what is where and how to break it, and ends all of it on Ctrl-C.

`make cluster ARGS=report` runs the tests of it instead, and prints what callers saw of each fault; words after it go to
pytest.
"""

import os
import signal
import subprocess
import sys

from authz_service.opa.binary import find_opa, project_tool_folder
from tests.cluster.cluster import Cluster, running_cluster
from tests.cluster.households import CONTESTED, STABLE, person
from tests.cluster.report import FOLDER
from tests.conftest import ROOT, TOKEN


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["report"]:
        # In a process of its own, as pytest has to be there before what it is to rewrite.
        tests = [sys.executable, "-m", "pytest", str(ROOT / "tests" / "cluster"), *arguments[1:]]
        ended = subprocess.run(tests, cwd=ROOT, check=False)
        report = FOLDER / "report.md"
        if report.exists():
            sys.stdout.write(report.read_text())
        return ended.returncode
    if arguments:
        print("make cluster starts it; make cluster ARGS=report breaks it and tells.", file=sys.stderr)  # noqa: T201 - for whoever typed it
        return 2
    # SIGTERM ends all of it too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_cluster(find_opa(os.environ, project_tool_folder()), ROOT / "policies") as cluster:
            print(described(cluster), flush=True)  # noqa: T201 - for whoever started it
            signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


def described(cluster: Cluster) -> str:
    """What is where, and how it is broken."""
    first = cluster.replicas[0]
    rows = [
        ("proxy", cluster.proxy.url, cluster.proxy.program.pid),
        *((replica.name, replica.url, replica.service.pid) for replica in cluster.replicas),
        *((f"OPA of {replica.name}", replica.opa_url, replica.sidecar.pid) for replica in cluster.replicas),
        ("bundle server", cluster.bundles_url, cluster.bundles.pid),
        ("PostgreSQL", cluster.database_url, cluster.database.pid),
        ("mail server", cluster.mail.url, os.getpid()),
    ]
    table = "\n".join(f"  {name:<17} {pid:>8}  {where}" for name, where, pid in rows)
    body = (
        f'{{"subject":{{"type":"person","id":"ada"}},"action":{{"name":"view_bills"}},'
        f'"resource":{{"type":"customer","id":"{STABLE}"}}}}'
    )
    wish = f'{{"person":"{person("ben", CONTESTED[0])}","channel":"web","current_administrator_informed":true}}'
    call = f"curl -s -H 'Authorization: Bearer {TOKEN}' --json"
    return f"""\
  what               process  where
{table}

The token is {TOKEN}. Logs, journals and bundles are in {cluster.folder}.

Decide:     {call} '{body}' {cluster.proxy.url}/v1/decide
Take over:  {call} '{wish}' {cluster.proxy.url}/v1/customers/{CONTESTED[0]}/administrators
Is it well: curl -s {first.url}/readyz

Break it:   kill -9 -- -{first.service.pid}   (that is {first.name}; any other process above in its place)
Publish:    .venv/bin/authz-service policy build policies --output {cluster.folder}/served/{first.name}/bundle.tar.gz \
--signing-key {cluster.folder}/publisher.pem

Ctrl-C ends it all."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
