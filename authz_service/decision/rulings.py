"""Rulings: what was answered to which facts under which policy, in the form that is kept."""

import hashlib
import json

from authz_service.questions import Answer, Document, Ruling


def ruling_of(facts: Document | None, answer: Answer, revision: str) -> Ruling:
    """The ruling, the same to the byte for the same answer; without the facts where they are None."""
    value = {
        "revision": revision,
        "facts": facts,
        "allow": answer.allow,
        "reasons": [{"code": reason.code, "cites": reason.cites} for reason in answer.reasons],
        "route": answer.route,
        "requires": answer.requires,
        "effects": answer.effects,
    }
    content = json.dumps(value, separators=(",", ":")).encode()
    return Ruling(hashlib.sha256(content).hexdigest(), content)
