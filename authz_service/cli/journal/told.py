"""How it is told what another policy answers differently."""

import json
from collections.abc import Sequence

import click

from authz_service.cli.counted import counted
from authz_service.policy.diff import Change, Happened
from authz_service.policy.diff_texts import SENTENCES_SHOWN, Told, came_and_went, tell
from authz_service.policy.replaying import Replayed
from authz_service.policy.sentences import Phrases
from authz_service.policy.table import Outcome

_COLOURS = {Happened.WIDENED: "green", Happened.NARROWED: "red"}


def tell_text(replayed: Sequence[Replayed], phrases: Phrases, instead: str = "") -> None:
    """Prints a section for each revision, what widened first, and a line that sums up."""
    for each in replayed:
        if each.changed or each.unasked:
            _print(each, phrases)
    decisions, changed = sum(each.decisions for each in replayed), sum(each.changed for each in replayed)
    if instead:
        said = f"{instead} has answered {counted(changed, 'decision', 'decisions')} differently."
        click.secho(f"{'✗' if changed else '✓'} {said}", fg=None if changed else "green")
    elif changed:
        click.echo(f"✗ {changed:,} of {counted(decisions, 'decision', 'decisions')} would be answered differently.")
    else:
        click.secho(
            f"✓ None of {counted(decisions, 'decision', 'decisions')} would be answered differently.", fg="green"
        )


def tell_json(replayed: Sequence[Replayed]) -> str:
    return json.dumps({"revisions": [_as_json(each) for each in replayed]}, indent=2, ensure_ascii=False)


def _print(replayed: Replayed, phrases: Phrases) -> None:
    report = tell(replayed.revision, replayed.other, replayed.diff, phrases, None)
    click.secho(f"{replayed.revision} → {replayed.other}", bold=True)
    for section in report.sections:
        symbol, title, meaning = section.heading
        click.echo(click.style(f"{symbol} {title}", fg=_COLOURS.get(section.happened), bold=True) + f": {meaning}")
        for told in section.groups:
            _print_group(told, replayed)
    if replayed.unasked:
        click.echo(f"• {counted(replayed.unasked, 'decision', 'decisions')} of which it knows no such facts")
    click.echo()


def _print_group(told: Told, replayed: Replayed) -> None:
    for sentence, _ in told.sentences[:SENTENCES_SHOWN]:
        click.echo(f"  {sentence}")
    more = len(told.sentences) - SENTENCES_SHOWN
    if more > 0:
        click.echo(f"  … and {more:,} more; --format json has them all")
    decisions = counted(replayed.of(told.group.changes), "decision", "decisions")
    click.secho(f"    {decisions} in {counted(told.size, 'situation', 'situations')}", dim=True)
    click.secho(f"    {came_and_went(told)}", dim=True)


def _as_json(replayed: Replayed) -> dict[str, object]:
    return {
        "recorded": replayed.revision,
        "judged_by": replayed.other,
        "decisions": replayed.decisions,
        "unasked": replayed.unasked,
        "changed": [_change(change, replayed) for change in replayed.diff.changes],
    }


def _change(change: Change, replayed: Replayed) -> dict[str, object]:
    return {
        "facts": change.facts,
        "old": _stated(change.old),
        "new": _stated(change.new),
        "decisions": replayed.of([change]),
    }


def _stated(outcome: Outcome) -> dict[str, object]:
    stated = outcome._asdict()
    return {"allow": stated.pop("allow"), "reasons": stated.pop("codes"), **stated}
