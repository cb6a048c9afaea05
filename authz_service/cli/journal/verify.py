"""`authz-service journal verify`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from authz_service import strict_json
from authz_service.cli.counted import counted
from authz_service.cli.journal.kept import existing_journal, public_key_option, verifying_keys
from authz_service.cli.progress import progress
from authz_service.errors import Fault, InvalidFile
from authz_service.journal.proof import check_proof
from authz_service.journal.verify import Chain, Head, Report, verify_journal

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(
    short_help="Prove that nothing was changed, removed, inserted or reordered.",
    epilog="""\b
Examples:
  authz-service journal verify
  authz-service journal verify --format json > heads.json
  authz-service journal verify --heads heads.json --archive /mnt/archive
  authz-service journal verify --proof proof.json --public-key journal.pub
""",
)
@click.option("--heads", type=_FILE, help="What --format json printed earlier: nothing of it may be gone.")
@click.option(
    "--archive",
    "archives",
    multiple=True,
    type=_FOLDER,
    help="Another folder with files: an archive, or that of another replica.",
)
@click.option("--proof", type=_FILE, help="Check this proof alone, with --public-key and without the journal.")
@public_key_option
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(
    heads: Path | None, archives: tuple[Path, ...], proof: Path | None, public_keys: tuple[Path, ...], style: str
) -> None:
    """Verify the journal: files and database, each by itself and each against the other.

    Every entry holds on to the one before, and every block is signed. Exit 1 with every finding where something is not
    as it was written. Keep what --format json prints elsewhere: with --heads it shows later that no end was cut off.
    """
    if proof is not None:
        _check_proof(proof, public_keys)
        return
    known = _read_heads(heads) if heads else []
    with existing_journal() as kept, progress("Verifying") as on_progress:
        keys = verifying_keys(kept, public_keys)
        report = verify_journal(kept.database, [*archives, kept.folder], keys, known, on_progress)
    if style == "json":
        click.echo(json.dumps(_as_json(report), indent=2))
    else:
        _print(report)
    sys.exit(1 if report.findings else 0)


def _print(report: Report) -> None:
    for finding in report.findings:
        click.secho(str(finding), fg="red")
    chains, entries = counted(len(report.chains), "chain", "chains"), counted(report.entries, "entry", "entries")
    if report.findings:
        wrong = counted(len(report.findings), "finding", "findings")
        click.secho(f"✗ {wrong} in {chains} with {entries}.", fg="red")
        return
    unsigned = sum(chain.last - max((copy.closed.last for copy in chain.copies), default=0) for chain in report.chains)
    unloaded = sum(chain.last - (chain.database.last if chain.database else 0) for chain in report.chains)
    said = [f"✓ {chains} with {entries}: nothing was changed, removed, inserted or reordered"]
    if unsigned:
        said.append(f"the last {counted(unsigned, 'entry is', 'entries are')} not signed yet")
    if unloaded:
        said.append(f"{counted(unloaded, 'entry is', 'entries are')} in the files alone so far")
    click.secho(f"{'; '.join(said)}.", fg="green")


def _as_json(report: Report) -> dict[str, object]:
    return {
        "chains": [_chain(chain) for chain in report.chains],
        "findings": [finding._asdict() for finding in report.findings],
    }


def _chain(chain: Chain) -> dict[str, object]:
    closed = max((copy.closed.last for copy in chain.copies), default=0)
    return {
        "chain": chain.name,
        "first": chain.first,
        "sequence": chain.head.sequence,
        "hash": chain.head.hash,
        "signed_up_to": closed,
        "signed_at": max(copy.signed_at for copy in chain.copies),
    }


def _read_heads(file: Path) -> list[Head]:
    try:
        value: Any = strict_json.loads(file.read_bytes())
        return [Head(str(chain["chain"]), int(chain["sequence"]), str(chain["hash"])) for chain in value["chains"]]
    except (strict_json.NotJson, KeyError, TypeError, ValueError) as error:
        raise InvalidFile([Fault("must be what `journal verify --format json` prints", file=str(file))]) from error


def _check_proof(file: Path, public_keys: tuple[Path, ...]) -> None:
    keys = verifying_keys(None, public_keys)
    try:
        proven = check_proof(strict_json.loads(file.read_bytes()), keys)
    except ValueError as error:
        raise InvalidFile([Fault(str(error), file=str(file))]) from error
    click.secho(f"✓ The entry was in the journal at {proven.at}, signed with the key {proven.key}.", fg="green")
