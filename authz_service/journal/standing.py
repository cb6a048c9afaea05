"""How the files of a journal and what the database has read of them stand to each other."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from authz_service.journal.folder import chains_in, number_of, segments_of
from authz_service.journal.indexer import NOTHING, positions_of
from authz_service.journal.loading import Position
from authz_service.storage.database import reading


class Standing(NamedTuple):
    """What there is to say.

    Attributes:
        bytes_behind: How many bytes of the files have not been loaded yet.
        misfits: A sentence for each chain whose files and database are not of one piece, and what to do.
    """

    bytes_behind: int
    misfits: tuple[str, ...]


def find_standing(database: Engine, folder: Path) -> Standing:
    """Looks at all chains in the folder.

    Raises:
        DatabaseUnavailable: The database does not answer.
    """
    with reading(database) as connection:
        positions = positions_of(connection)
    behind = 0
    misfits: list[str] = []
    for chain in chains_in(folder):
        position = positions.get(chain.name, NOTHING)
        sizes = {number_of(segment): size for segment, size in _sizes(segments_of(chain))}
        behind += sum(size for number, size in sizes.items() if number > position.segment)
        behind += max(sizes.get(position.segment, 0) - position.bytes, 0)
        what = _misfit(sizes, position)
        if what:
            misfits.append(
                f"{chain}: {what}. Files and database are of different backups: put back both of one,"
                " or move this folder elsewhere, and a new chain is begun."
            )
    return Standing(behind, tuple(misfits))


def _sizes(segments: list[Path]) -> Iterator[tuple[Path, int]]:
    for segment in segments:
        try:
            yield segment, segment.stat().st_size
        except FileNotFoundError:
            # It has been put away meanwhile.
            continue


def _misfit(sizes: dict[int, int], position: Position) -> str:
    if position is NOTHING:
        return ""
    if position.segment not in sizes and any(number > position.segment for number in sizes):
        return f"segment {position.segment:08} is gone, and what comes after it cannot be searched"
    if sizes.get(position.segment, 0) < position.bytes:
        return "its files end before what the database has read of them"
    return ""
