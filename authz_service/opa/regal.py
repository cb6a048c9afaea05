"""Lints a policies folder with Regal: by Regal's rules, and by our own in its `.regal/rules`."""

import json
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from authz_service.errors import ConfigurationError, Fault, InvalidPolicy

_CONFIG = Path(".regal") / "config.yaml"
_RULES = Path(".regal") / "rules"
_REQUIREMENTS = "requirements.yaml"
_WHO_NEEDS_THEM = ("rules", "authz", "cites-exist")
# Regal would ask its publisher for a newer version, and has no use for anything else.
# Memory for time: it collects its garbage less often.
_ENVIRONMENT = {"REGAL_DISABLE_VERSION_CHECK": "1", "GOGC": "400"}
# Such as `… 1 error occurred: bundle/a.rego:5: rego_parse_error: unexpected } token`.
_UNPARSED = re.compile(r"^(?:.*(?:error|occurred): )?(.+?\.rego):(\d+): rego_\w+: (.+)$", re.MULTILINE)
_CLEAN, _COULD_NOT_LINT, _VIOLATIONS = 0, 1, 3
_PATIENCE_SECONDS = 60.0


def lint(
    regal: Path, policies: Path, also: Sequence[Path] = (), *, patience_seconds: float = _PATIENCE_SECONDS
) -> list[Fault]:
    """What Regal finds in the bundle of a policies folder, at file and line.

    Args:
        regal: The program.
        policies: A policies folder, with `bundle/`, `requirements.yaml` and `.regal/` in it.
        also: More Rego to lint with it, such as tests that are elsewhere.
        patience_seconds: How long Regal may take.

    Returns:
        Nothing if all is right. A file that cannot be parsed is the only finding.

    Raises:
        ConfigurationError: Regal could not do its work.
    """
    try:
        config = regal_config(policies)
    except InvalidPolicy as error:
        return list(error.faults)
    with tempfile.TemporaryDirectory(prefix="regal-") as folder:
        merged = Path(folder) / "config.yaml"
        merged.write_text(config, encoding="utf-8")
        options = ["--config-file", str(merged), "--rules", str(policies / _RULES), "--format", "json"]
        done = _run(regal, ["lint", *options, "--", str(policies / "bundle"), *map(str, also)], patience_seconds)
    if done.returncode == _COULD_NOT_LINT:
        unparsed = _unparsed(done.stderr)
        if unparsed:
            return unparsed
    try:
        violations = json.loads(done.stdout)["violations"] if done.returncode in {_CLEAN, _VIOLATIONS} else None
    except (ValueError, LookupError, TypeError):
        violations = None
    if violations is None:
        said = " ".join(done.stderr.split()) or f"it ended with code {done.returncode} and without a word"
        raise ConfigurationError(f"{regal} could not lint {policies}: {said}")
    found = [_fault(violation, policies) for violation in violations]
    return sorted(found, key=lambda fault: (fault.file, fault.line, fault.what))


def regal_config(policies: Path) -> str:
    """The configuration in `.regal`, and in it the ids of `requirements.yaml`, which Regal does not read itself.

    Raises:
        InvalidPolicy: One of the two is missing or not as it has to be.
    """
    for needed in (_CONFIG, _RULES):
        if not (policies / needed).exists():
            what = f"has no {needed}; it belongs to the folder, and was hidden from whoever copied the rest"
            raise InvalidPolicy([Fault(what, file=str(policies))])
    config = _read(policies / _CONFIG)
    rule: Any = config
    for name in _WHO_NEEDS_THEM:
        rule = rule.get(name) if isinstance(rule, dict) else None
    if not isinstance(rule, dict):
        what = f"must have {'.'.join(_WHO_NEEDS_THEM)}, with its level"
        raise InvalidPolicy([Fault(what, file=str(policies / _CONFIG))])
    rule["known"] = requirement_ids(policies / _REQUIREMENTS)
    return yaml.safe_dump(config, sort_keys=False)


def requirement_ids(requirements: Path) -> list[str]:
    """The ids of the facts and readings in a file.

    Raises:
        InvalidPolicy: It cannot be read, or has none.
    """
    content = _read(requirements)
    parts = [content.get(name) for name in ("facts", "readings")]
    if not all(isinstance(part, dict) for part in parts):
        what = "must have `facts` and `readings`, each sentence by its id"
        raise InvalidPolicy([Fault(what, file=str(requirements))])
    return [str(id_) for part in parts for id_ in part or ()]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidPolicy([Fault(f"cannot be read: {error.strerror}", file=str(path))]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidPolicy([Fault("is not YAML", file=str(path), line=mark.line + 1 if mark else 0)]) from error
    if not isinstance(content, dict):
        raise InvalidPolicy([Fault("must be a mapping", file=str(path))])
    return content


def _run(regal: Path, arguments: Sequence[str], patience_seconds: float) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 - the program was found and checked, and no shell reads the arguments
            [regal, *arguments],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=patience_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"{regal} did not come to an end within {patience_seconds:g} s") from error
    except OSError as error:
        raise ConfigurationError(f"{regal} cannot be run ({error.strerror})") from error


def _unparsed(said: str) -> list[Fault]:
    """The places named in the sentence with which Regal gives up; of several files, it names one."""
    try:
        sentences = "\n".join(json.loads(said)["errors"])
    except (ValueError, LookupError, TypeError):
        return []
    return [Fault(what, file=file, line=int(line)) for file, line, what in dict.fromkeys(_UNPARSED.findall(sentences))]


def _fault(violation: dict[str, Any], policies: Path) -> Fault:
    location = violation.get("location") or {}
    name = f"{violation['category']}/{violation['title']}"
    explained = [resource["ref"] for resource in violation.get("related_resources") or () if "ref" in resource]
    what = f"{' '.join(violation['description'].split())} ({', '.join([name, *explained])})"
    return Fault(what, file=location.get("file", str(policies / "bundle")), line=location.get("row", 0))
