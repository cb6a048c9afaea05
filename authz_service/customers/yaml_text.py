"""Writes one value of customer data in YAML that every reader of YAML takes for the same."""

import re
from collections.abc import Mapping

# Letters first, and nothing that means something to YAML; the rest is quoted.
_PLAIN = re.compile(r"[^\W\d_]\w*(?:[ .@-]+\w+)*")
_MEANS_SOMETHING_ELSE = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def yaml_string(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.isprintable() and text.casefold() not in _MEANS_SOMETHING_ELSE:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def yaml_flow(value: object) -> str:
    """A string, or a list or object of such, on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {yaml_flow(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(yaml_flow, value))}]"
    return yaml_string(str(value))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\U{ord(character):08X}"
