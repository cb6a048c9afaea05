"""Progress of long work: on stderr and on a terminal only."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

OnProgress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """A bar that shows how far and how long yet; it is gone when the work is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def importing(files: Sequence[Path]) -> Iterator[OnProgress]:
    what = files[0].name if len(files) == 1 else f"{len(files)} files"
    with progress(f"Importing {what}") as on_progress:
        yield on_progress
