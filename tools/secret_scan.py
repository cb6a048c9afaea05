"""Finds keys, tokens and passwords in what git keeps, before anybody else does.

    python3 -m tools.secret_scan [FOLDER]

Exit status 1 if there are any, each with file and line; its value is not shown.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]

EXAMPLES: Mapping[str, tuple[str, str]] = {
    "authz_service/ids.py": ("Base64 High Entropy String", "the alphabet of ids"),
    "authz_service/web/journal_examples.py": ("Hex High Entropy String", "digests in the API document"),
    "authz_service/web/search.py": ("Base64 High Entropy String", "a page token in the API document"),
    "bench/counting.py": ("Hex High Entropy String", "a policy revision"),
    "bench/journal_queries.py": ("Hex High Entropy String", "a policy revision"),
    "tests/browser/browsing.py": ("Base64 High Entropy String", "the address of a decision that is not there"),
    "tests/cli/test_policy_verify.py": ("JSON Web Token", "headers of tokens without a signature"),
    "tests/conformance/policies/bundle/authz/decision/decision_test.rego": (
        "Base64 High Entropy String",
        "an id of the AuthZEN scenarios",
    ),
    "tests/end_to_end/test_telemetry.py": ("Hex High Entropy String", "trace and span of the W3C's example"),
    "tests/journal/test_merkle.py": ("Hex High Entropy String", "published roots of Merkle trees"),
    "tests/precautions/test_keys.py": ("Base64 High Entropy String", "keys that have to be refused"),
    "tests/web/test_signed_metadata.py": ("Private Key", "the first line of a key, which has to be in no answer"),
}
"""What looks like a secret and is none, by file: the kind that is let pass there, and what it is."""

_EXAMPLE_PASSWORDS = re.compile(r"password|hidden|hunter2|secret|wrong|postgres1|p%40ssw0rd|p%40ss%3Aword%2F1")
# Digests that packages are checked against, figures, and what is no text.
_LEFT_OUT = re.compile(
    r"(^|/)requirements[\w-]*\.txt$|(^|/)go\.sum$|(^|/)package-lock\.json$|^docs/benchmarks/\w+\.json$"
    r"|\.(png|svg|ttf|pdf)$"
)
# Names of settings look like passwords to it everywhere, and the address of a machine is no secret.
_LEFT_OUT_PLUGINS = {"KeywordDetector", "IPPublicDetector"}
# It would let pass whatever has a comment beside it; here the reason is in EXAMPLES.
_FILTER_BY_COMMENTS = "detect_secrets.filters.allowlist.is_line_allowlisted"
# The kind of token that callers of this service have, which has no shape of its own and no quotes in a command.
_TOKEN = re.compile(r"(?:\bbearer\s+|--token[=\s]+)[\"']?[\w.~+/-]{20}", re.ASCII | re.IGNORECASE)


class Found(NamedTuple):
    """Something that looks like a secret."""

    file: str
    line: int
    kind: str


def tracked_files(folder: Path) -> list[str]:
    """What git keeps of a folder, or would take along as it is not ignored, and that people have written."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout.decode().split("\0")
    return sorted({name for name in listed if name and not _LEFT_OUT.search(name) and (folder / name).is_file()})


def scan(folder: Path, files: Sequence[str]) -> Iterator[Found]:
    """What looks like a secret in these files, but for examples."""
    classes: Iterable[type] = get_mapping_from_secret_type_to_class().values()
    known = {plugin.__name__ for plugin in classes}
    plugins = [{"name": name} for name in sorted(known - _LEFT_OUT_PLUGINS)]
    with transient_settings({"plugins_used": plugins}) as settings:
        settings.disable_filters(_FILTER_BY_COMMENTS)
        secrets = SecretsCollection(str(folder))
        secrets.scan_files(*files)
    for file, secret in secrets:
        is_example = EXAMPLES.get(file, ("",))[0] == secret.type
        is_password = secret.type == "Basic Auth Credentials" and _EXAMPLE_PASSWORDS.fullmatch(
            secret.secret_value or ""
        )
        if not (is_example or is_password):
            yield Found(file, secret.line_number, secret.type)
    for file in files:
        for number, line in enumerate((folder / file).read_text(errors="replace").split("\n"), 1):
            if _TOKEN.search(line) and EXAMPLES.get(file, ("",))[0] != "Bearer Token":
                yield Found(file, number, "Bearer Token")


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    files = tracked_files(folder)
    found = sorted(scan(folder, files))
    for secret in found:
        print(
            f"{secret.file}:{secret.line}: looks like a secret ({secret.kind}). One that has been pushed is known: make"
            " a new one. What is none goes into EXAMPLES of tools/secret_scan.py, with the reason."
        )
    if not found:
        print(f"No secret in {len(files)} files.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
