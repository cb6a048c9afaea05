"""Production's topology as processes of this machine: a proxy, three replicas with sidecars, and what they share."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml
from sqlalchemy import Engine

from authz_service.callers.callers import token_sha256
from authz_service.storage.database import connect
from authz_service.storage.secret_file import new_secret
from authz_service.words import Scope
from tests import bundle_server
from tests.cluster.households import write_households
from tests.cluster.program import Program
from tests.cluster.proxy import Proxy
from tests.cluster.published import Published
from tests.cluster.replica import READY_WITHIN_SECONDS, Replica
from tests.conftest import ROOT, TOKEN
from tests.mail import MailServerForTests
from tests.ports import free_port
from tests.postgresql import PostgreSQL, postgresql_server
from tests.processes import wait_until
from tests.services import COMMAND, HOST
from tests.signing import ED25519, P_256, key_pair, private_key

# Each worker remembers answers for itself: what the second replica still knows without its OPA, is what it was asked.
WORKERS = {"replica-1": 2, "replica-2": 1, "replica-3": 2}
# Each worker keeps up to thirty, and tests look in too.
_CONNECTIONS = 200


class Cluster(NamedTuple):
    """All that runs.

    Attributes:
        folder: Where everything is kept.
        opa: The program.
        database: PostgreSQL.
        database_url: The database that the replicas share.
        settings: The variables that they share.
        published: The policies that were published, and where they are fetched.
        bundles: The server that they are fetched from.
        bundles_url: Where that is.
        mail: Where letters arrive.
    """

    folder: Path
    opa: Path
    database: PostgreSQL
    database_url: str
    settings: dict[str, str]
    published: Published
    bundles: Program
    bundles_url: str
    mail: MailServerForTests
    replicas: Sequence[Replica]
    proxy: Proxy

    def run(
        self, *words: str, checkout: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Runs a command of the service with the settings of the replicas.

        Args:
            words: The command.
            checkout: The folder whose code it is; that of the first replica if left out.
            settings: What is set otherwise.
        """
        checkout = checkout or self.replicas[0].checkout
        environ = {**self.settings, **(settings or {}), "PYTHONPATH": str(checkout)}
        return subprocess.run(
            [*COMMAND, *words], cwd=checkout, env=environ, capture_output=True, text=True, check=False
        )

    @contextmanager
    def connected(self) -> Iterator[Engine]:
        """The database, for a test that looks into it."""
        database = connect(self.database_url)
        try:
            yield database
        finally:
            database.dispose()

    def wait_until_all_answer(self) -> None:
        """Returns once each replica is ready and the proxy sends requests to it."""
        for replica in self.replicas:
            replica.wait_until_ready()
            self.wait_until_sent_to(replica)

    def wait_until_sent_to(self, replica: Replica) -> None:
        wait_until(lambda: self.proxy.sends_to(replica.name), READY_WITHIN_SECONDS)


@contextmanager
def running_cluster(opa: Path, policies: Path) -> Iterator[Cluster]:
    """The cluster, all of it ready, while the block lasts; it leaves nothing behind."""
    with ExitStack() as started:
        folder = Path(started.enter_context(tempfile.TemporaryDirectory(prefix="authz-cluster-")))
        database = started.enter_context(postgresql_server(_CONNECTIONS))
        mail = MailServerForTests(free_port())
        mail.up()
        started.callback(mail.down)
        cluster = _made(folder, opa, database, mail)
        programs = [cluster.bundles, cluster.proxy.program]
        programs += [program for replica in cluster.replicas for program in (replica.sidecar, replica.service)]
        for program in programs:
            started.callback(program.kill)
        cluster.published.publish(policies)
        imported = cluster.run("customers", "import", str(cluster.folder / "households.yaml"))
        assert imported.returncode == 0, imported.stderr
        for program in programs:
            program.start()
        cluster.wait_until_all_answer()
        yield cluster


def _made(folder: Path, opa: Path, database: PostgreSQL, mail: MailServerForTests) -> Cluster:
    publisher = key_pair(folder, "publisher", P_256)
    served = folder / "served"
    published = Published(opa, folder / "published", served, list(WORKERS), publisher.private)
    write_households(folder / "households.yaml")
    url = database.new_database()
    settings = _settings(folder, url, mail.url)
    port = free_port()
    bundles_url = f"http://{HOST}:{port}"
    (folder / "bundles").mkdir()
    server = [sys.executable, "-S", str(bundle_server.__file__), str(served), str(port)]
    bundles = Program(server, {}, folder / "bundles")
    ports = {name: (free_port(), free_port()) for name in WORKERS}
    replicas = [
        Replica(
            name,
            folder / name,
            opa=opa,
            public_key=publisher.public,
            bundles_url=bundles_url,
            ports=ports[name],
            settings={**settings, "AUTHZ_WORKERS": str(workers)},
        )
        for name, workers in WORKERS.items()
    ]
    proxy = Proxy(folder / "proxy", free_port(), {name: of_service for name, (of_service, _) in ports.items()})
    return Cluster(folder, opa, database, url, settings, published, bundles, bundles_url, mail, replicas, proxy)


def _settings(folder: Path, database_url: str, mail_url: str) -> dict[str, str]:
    callers = folder / "callers.yaml"
    callers.touch(mode=0o600)
    caller = {"name": "cluster", "token_sha256": token_sha256(TOKEN), "scopes": [str(scope) for scope in Scope]}
    callers.write_text(yaml.safe_dump({"callers": [caller]}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTHZ_")}
    return {
        **kept,
        "AUTHZ_DATABASE_URL": database_url,
        "AUTHZ_CALLERS": str(callers),
        "AUTHZ_POLICIES": str(ROOT / "policies"),
        "AUTHZ_ACTIVATION_KEY": new_secret().strip(),
        "AUTHZ_JOURNAL_FOLDER": str(folder / "journal"),
        "AUTHZ_JOURNAL_KEY": new_secret().strip(),
        "AUTHZ_JOURNAL_SIGNING_KEY": str(private_key(folder, "journal", ED25519)),
        "AUTHZ_SMTP_URL": mail_url,
        "AUTHZ_MAIL_FROM": "no-reply@example.org",
        # As a service is that has been installed: without, each start compiles what it imports.
        "PYTHONDONTWRITEBYTECODE": "",
    }
