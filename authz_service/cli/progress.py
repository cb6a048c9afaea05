"""Progress of long work: on stderr and on a terminal only."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

OnProgress = Callable[[int, int], None]
"""Told how much is done, and of how much; 0 where nobody knows."""


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """A bar that shows how far and how long yet; it is gone when the work is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


@contextmanager
def progress_of_steps(count: int) -> Iterator[Callable[[str, bool], None]]:
    """A bar that says which steps of so many are running; it is told that one begins, and that it is done."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=count)
        running: list[str] = []

        def on_step(name: str, is_done: bool) -> None:  # noqa: FBT001 - as it is called
            (running.remove if is_done else running.append)(name)
            bar.update(task, advance=int(is_done), description=", ".join(running))

        yield on_step


@contextmanager
def importing(files: Sequence[Path]) -> Iterator[OnProgress]:
    what = files[0].name if len(files) == 1 else f"{len(files)} files"
    with progress(f"Importing {what}") as on_progress:
        yield on_progress
