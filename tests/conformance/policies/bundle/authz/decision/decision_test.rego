package authz.decision_test

import data.authz.decision

question(subject, action, resource) := {
	"subject": {"type": subject[0], "id": subject[1], "properties": {}},
	"action": {"name": action, "properties": {}},
	"resource": {"type": resource[0], "id": resource[1], "properties": {}},
	"context": {},
}

rick := "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs"

test_success_each_scenario_is_asked if {
	decision.answer.allow == true with input as question(["user", "bob"], "read", ["record", "record-1"])
	decision.answer.allow == true with input as question(["user", "bob"], "view", ["record", "102"])
	decision.answer.allow == true with input as question(["user", rick], "can_read_todos", ["todo", "todo-1"])
	decision.answer.allow == true with input as question(["identity", rick], "GET", ["route", "/todos"])
}

test_fail_no_scenario_answers_for_another if {
	decision.answer.allow == false with input as question(["user", "bob"], "read", ["record", "102"])
	decision.answer.allow == false with input as question(["user", "alice"], "view", ["record", "record-1"])
	decision.answer.allow == false with input as question(["identity", rick], "can_read_todos", ["todo", "todo-1"])
	decision.answer.allow == false with input as question(["user", rick], "GET", ["route", "/todos"])
}

test_fail_an_empty_document_is_denied_in_the_same_shape if {
	answer := decision.answer with input as {}
	answer.allow == false
	count(answer.reasons) == 1
	object.keys(answer) == {"allow", "reasons", "route", "requires", "effects"}
}
