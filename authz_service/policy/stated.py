"""A situation that somebody states: one that the schema has, or every fault told."""

from collections.abc import Iterator, Mapping, Sequence

from authz_service.errors import Fault, InvalidInput
from authz_service.policy.situations import Facts, InputSchema, Kind, Value


def read_situation(value: object, schema: InputSchema) -> Facts:
    """The facts in a JSON value, in the order of the schema.

    Raises:
        InvalidInput: They are no situation; with every fact that is wrong, missing or too many.
    """
    if not isinstance(value, dict):
        raise InvalidInput([Fault('must be a JSON object with facts, such as {"action": "view_bills", …}')])
    # Else 1 would pass for true.
    odd = [fact for fact, stated in value.items() if not isinstance(stated, str | bool)]
    if odd:
        raise InvalidInput([Fault("must be a string, true or false", fact) for fact in odd])
    stated: Mapping[str, Value] = value
    kind = schema.kind_of(stated)
    if kind is None:
        # The kind that was meant is the one that it is least far from.
        raise InvalidInput(min((list(_faults(stated, kind)) for kind in schema.kinds), key=len))
    excluded = schema.excluded_by(stated)
    if excluded:
        together = " and ".join(f"{fact} {_json(stated[fact])}" for fact in excluded.never)
        raise InvalidInput([Fault(f"{together} cannot occur together. {excluded.because}")])
    return {fact: stated[fact] for fact in kind.facts}


def _faults(stated: Mapping[str, Value], kind: Kind) -> Iterator[Fault]:
    about = f"in a question of the kind “{kind.title}”"
    for fact, values in kind.facts.items():
        if fact not in stated:
            yield Fault(f"is missing {about}: {_either(values)}", fact)
        elif stated[fact] not in values:
            yield Fault(f"must be {_either(values)} {about}", fact)
    for fact in stated:
        if fact not in kind.facts:
            yield Fault(f"does not belong {about}; leave it out", fact)


def _either(values: Sequence[Value]) -> str:
    *others, last = map(_json, values)
    return f"{', '.join(others)} or {last}" if others else last


def _json(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'
