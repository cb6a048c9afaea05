"""npm packages: what the registry's advisories say of a lock file."""

from pathlib import Path

from tools.audit_source import NotAsked, read_json, run
from tools.npm import AUDIT


def vulnerabilities(folder: Path) -> list[str]:
    """The known vulnerabilities of what a `package-lock.json` has."""
    report = read_json(run(AUDIT, folder))
    if "vulnerabilities" not in report:
        raise NotAsked(" ".join(str(report.get("message", "npm does not say why")).split(" - ")[0].split()))
    return sorted(
        f"{name} {one['range']}: {via['title']}, {via['severity']}"
        for name, one in report["vulnerabilities"].items()
        for via in one["via"]
        if isinstance(via, dict)
    )
