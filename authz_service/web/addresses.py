"""What may stand for a part of an address. No id has a NUL character, and PostgreSQL takes none."""

from collections.abc import Mapping

from werkzeug.routing import BaseConverter


class _Number(BaseConverter):
    regex = r"[^/\0]+"


class _Id(BaseConverter):
    """Any other text, be it with slashes."""

    regex = r"[^\0]+?"
    part_isolating = False
    weight = 200


class _PersonId(_Id):
    """Any id, but for those that make the address of another person's roles."""

    regex = r"[^\0]+?(?<!/roles)"
    part_isolating = False


CONVERTERS: Mapping[str, type[BaseConverter]] = {"number": _Number, "id": _Id, "person_id": _PersonId}
