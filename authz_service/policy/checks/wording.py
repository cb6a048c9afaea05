"""Whether everything can be told: the values of facts in sentences, and the rows and columns of the matrix."""

from authz_service.errors import Fault, InvalidPolicy
from authz_service.policy.checks.places import Places
from authz_service.policy.matrix_layout import read_layout
from authz_service.policy.sentences import read_phrases
from authz_service.policy.situations import InputSchema


def unspoken(places: Places, schema: InputSchema) -> list[Fault]:
    faults: list[Fault] = []
    for read in (read_phrases, read_layout):
        try:
            read(places.policies, schema)
        except InvalidPolicy as error:
            faults += error.faults
    return faults
