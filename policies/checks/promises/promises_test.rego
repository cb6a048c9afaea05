package promises_test

import data.promises

# Facts of the questions in the tables beside this file; each row changes what it is about.
on_customer := {
	"action": "view_role",
	"channel": "app",
	"is_known_person": true,
	"resource": "customer",
	"role": "user",
	"customer_kind": "residential",
}

on_internet := object.union(on_customer, {
	"resource": "subscription",
	"action": "view_usage",
	"subscription_kind": "internet",
})

on_mobile := object.union(on_internet, {
	"subscription_kind": "mobile",
	"is_holder": true,
	"plan": "subscription",
	"paid_by": "customer",
})

asked := object.union(on_customer, {
	"action": "become_administrator",
	"channel": "web",
	"has_administrator": true,
	"mobiles_paid_by_customer": "own",
	"mobiles_paid_by_employer": "none",
	"mobiles_on_pay_and_go": "none",
	"has_number_of_another_provider": false,
	"activation_code": "unused",
	"is_take_over": false,
})

taking_over := object.union(asked, {
	"is_take_over": true,
	"is_current_administrator_informed": true,
	"given_activation_code": "not_given",
})

without_mobile := {"mobiles_paid_by_customer": "none"}

# What may be answered.
denied := {"allow": false, "reasons": ["why"], "route": null, "requires": [], "effects": []}

allowed := object.union(denied, {"allow": true})

may_by_mobile := object.union(allowed, {"route": "mobile_number", "requires": ["inform_current_administrator"]})

may_by_code := object.union(allowed, {
	"route": "activation_code",
	"requires": ["activation_code", "inform_current_administrator"],
})

taken_by_mobile := object.union(may_by_mobile, {
	"requires": [],
	"effects": [
		"current_administrator_becomes_user",
		"current_administrator_gets_letter",
		"person_becomes_administrator",
	],
})

taken_by_code := object.union(taken_by_mobile, {
	"route": "activation_code",
	"effects": array.concat(taken_by_mobile.effects, ["activation_code_is_used"]),
})

joined := object.union(taken_by_mobile, {"effects": ["person_becomes_administrator"]})

# code of the promise, facts, an answer that breaks it, one that keeps every promise
rows := [row |
	some chapter in [roles, administrators, users, eligibility, taking_over_rows, readings]
	some row in chapter
]

test_fail[name] if {
	some number, [code, facts, wrong, _] in rows
	name := sprintf("%s, row %d", [code, number])
	code in promises.broken with input as {"facts": facts, "answer": wrong}
}

test_success[name] if {
	some number, [code, facts, _, right] in rows
	name := sprintf("%s, row %d", [code, number])
	broken := promises.broken with input as {"facts": facts, "answer": right}
	broken == set()
}

test_every_promise_is_tried if count({code | some [code, _, _, _] in rows}) == 68
