"""The numbered facts and readings of a policies folder, in sections."""

from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import yaml

from authz_service.errors import Fault, InvalidPolicy

FILE = Path("requirements.yaml")


class Requirement(NamedTuple):
    """A fact, or how what the facts leave open is read.

    Attributes:
        id: Such as `USER-1`.
        text: It, as a sentence.
        is_reading: Whether it is our reading.
        line: Where it stands in its file.
    """

    id: str
    text: str
    is_reading: bool
    line: int


class Section(NamedTuple):
    """The requirements whose ids begin alike.

    Attributes:
        id: What they begin with, such as `USER`.
        title: What they are about; the same as the id where the file says nothing.
        requirements: The requirements.
    """

    id: str
    title: str
    requirements: tuple[Requirement, ...]


def read_requirements(policies: Path) -> list[Section]:
    """The sections in the order of the file.

    Raises:
        InvalidPolicy: The file is missing, or of another shape.
    """
    file = policies / FILE
    try:
        text = file.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        titles = dict(content.get("titles", {}))
        sentences = [
            (str(id_), str(said), part) for part in ("facts", "readings") for id_, said in content[part].items()
        ]
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        what = "must be YAML with `facts` and `readings`, each sentence by its id"
        raise InvalidPolicy([Fault(what, file=str(file))]) from error
    lines = {line.strip().partition(":")[0]: number for number, line in enumerate(text.splitlines(), 1)}
    requirements = [Requirement(id_, said, part == "readings", lines.get(id_, 0)) for id_, said, part in sentences]
    return [
        Section(section, str(titles.get(section, section)), tuple(of_section))
        for section, of_section in groupby(requirements, key=lambda one: one.id.rpartition("-")[0])
    ]
