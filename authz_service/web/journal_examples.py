"""Examples of the journal's answers, about Mary's question in `examples.py`."""

from authz_service.questions import Json

FACTS: dict[str, Json] = {
    "action": "view_usage",
    "channel": "app",
    "is_known_person": True,
    "resource": "subscription",
    "role": "user",
    "customer_kind": "residential",
    "subscription_kind": "mobile",
    "is_holder": True,
    "plan": "subscription",
    "paid_by": "customer",
}
_ANSWER: dict[str, Json] = {
    "reasons": [{"code": "own_mobile_usage", "cites": ["USER-1"]}],
    "route": None,
    "requires": [],
    "effects": [],
}
_JUDGEMENT: dict[str, Json] = {"decision": True, "policy_revision": "cfa3c28af1dec776", **_ANSWER}

KEPT: dict[str, Json] = {
    "id": "01M8AP7ACYZB5DBZ9GTCDH1AYP",
    "at": "2026-11-26T01:06:22.750+00:00",
    "kind": "decision",
    "caller": "tests",
    "subject": "~xafH0YPLB_nKDFtFwr1TXA",
    "action": "view_usage",
    "resource": "~wRhSYzrEum3LqkXFTOOreg",
    "customer": "~mkIGbxpqcTKn13klerogWg",
    "request_id": "01M8AP7ACYGG6TSPABA98EYAVG",
    "decision": True,
    "policy_revision": "cfa3c28af1dec776",
    "facts": FACTS,
    **_ANSWER,
    "chain": "01M8AP7AC4DD3AVYRV6WSFR58Z",
    "sequence": 2,
}
REPLAYED: dict[str, Json] = {
    "id": "01M8AP7ACYZB5DBZ9GTCDH1AYP",
    "facts": FACTS,
    "recorded": _JUDGEMENT,
    "today": _JUDGEMENT,
    "differs": False,
}
PROVEN: dict[str, Json] = {
    "entry": '{"id":"01M8AP7ACYZB5DBZ9GTCDH1AYP","kind":"decision","subject":"~xafH0YPLB_nKDFtFwr1TXA"}',
    "ruling": '{"revision":"cfa3c28af1dec776","facts":{"action":"view_usage"},"allow":true}',
    "previous": "85457308b1a2434dbfaeeb95ad854a99e827fbe5c495a6a6fc155a7d4df2a76b",
    "index": 1,
    "path": ["0e630e61e21cd8c6ac9082a24d50fae32f5fe0b68b0ffae7aa2cb496297ab0b2"],
    "checkpoint": '{"chain":"01M8AP7AC4DD3AVYRV6WSFR58Z","block":1,"first":1,"last":2}',
    "signature": "dfac7a0c17a79cf51e126239699319399b1b82fe9a92547b0b201cf024ea327f",
}
