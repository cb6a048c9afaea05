"""The tutorial for authors, taken step by step as it stands on the page, on a copy of the policies in a repository."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

_PAGE = ROOT / "docs" / "tutorial-a-new-action.md"
_COPIED = ["policies", "fixtures", "authz_service/words.py"]
_EDIT = r"(?:In|At the end) (?:of )?`(?P<file>[^`\n]+)`(?:, (?P<how>[a-z ]+) `(?P<anchor>[^\n]+)`)?:"
_STEP = re.compile(rf"^(?:{_EDIT}\n\n)?```(?P<language>[a-z]+)\n(?P<block>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
# Line numbers, seconds, counts: what other edits of the policy move. The numbers in names stay.
_NUMBER = re.compile(r"(?<![\w-])\d[\d,]*(?:\.\d+)?(?!\w)")
_RUN_SECONDS = 120.0


class Edit(NamedTuple):
    """One edit of the page.

    Attributes:
        file: What is edited.
        how: Where: such as `below`; empty for the end.
        anchor: A line of the file, without its indentation, which the block gets too.
        block: What comes there.
    """

    file: str
    how: str
    anchor: str
    block: str


class Shown(NamedTuple):
    """A command of the page, and what it prints."""

    command: str
    output: str


def steps() -> Iterator[Edit | Shown]:
    for step in _STEP.finditer(_PAGE.read_text()):
        if step["file"]:
            yield Edit(step["file"], step["how"] or "", step["anchor"] or "", step["block"])
        else:
            assert step["language"] == "console", f"which file is to have this?\n{step['block']}"
            yield from (Shown(*each) for each in _COMMAND.findall(step["block"]))


def make(edit: Edit, folder: Path) -> None:
    file = folder / edit.file
    lines = file.read_text().splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if line.strip() == edit.anchor]
    if edit.how == "":
        lines += edit.block
    elif edit.how == "below every":
        assert len(places) > 1
        for place in reversed(places):
            lines[place + 1 : place + 1] = _indented(edit.block, lines[place])
    else:
        assert len(places) == 1, edit
        [place] = places
        block = _indented(edit.block, lines[place])
        if edit.how == "below the rule with":
            end = lines.index("}\n", place) + 1
            lines[end:end] = ["\n", *edit.block]
        elif edit.how == "below":
            lines[place + 1 : place + 1] = block
        elif edit.how == "above":
            lines[place:place] = block
        else:
            assert edit.how == "in place of"
            lines[place : place + 1] = block
    file.write_text("".join(lines))


def _indented(block: str, like: str) -> list[str]:
    indentation = like[: len(like) - len(like.lstrip())]
    return [f"{indentation}{line}" for line in block.splitlines(keepends=True)]


def _is_shown(printed: str, shown: str) -> bool:
    """Whether it is what the page shows, where `…` stands for anything at all."""
    pattern = ".*".join(map(re.escape, _NUMBER.sub("0", shown).split("…\n")))
    return re.fullmatch(pattern, _NUMBER.sub("0", printed), re.DOTALL) is not None


def test_the_tutorial_works_as_it_stands_and_prints_what_it_shows(tmp_path: Path) -> None:
    for name in _COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    git = ["git", "-c", "user.name=Author", "-c", "user.email=author@example.org"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "the policy before"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AUTHZ_")}
    # As `. .venv/bin/activate` has it.
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ["PATH"]])
    commands = 0
    for step in steps():
        if isinstance(step, Edit):
            make(step, tmp_path)
            continue
        done = subprocess.run(
            ["/bin/sh", "-c", step.command],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )
        assert _is_shown(done.stdout, step.output), f"$ {step.command}\n{done.stdout}{done.stderr}"
        commands += 1
    assert commands == 8
    schema = json.loads((tmp_path / "policies" / "schemas" / "input.json").read_text())
    words = runpy.run_path(str(tmp_path / "authz_service" / "words.py"))
    assert {*words["ActionName"], "unknown"} == set(schema["definitions"]["action"]["enum"])
