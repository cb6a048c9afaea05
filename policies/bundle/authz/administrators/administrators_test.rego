package authz.administrators_test

import data.authz.administrators

# Tracy, a user without a mobile, asks on the web site; each row changes what it is about.
asked := {
	"action": "become_administrator",
	"channel": "web",
	"is_known_person": true,
	"resource": "customer",
	"role": "user",
	"customer_kind": "residential",
	"has_administrator": true,
	"mobiles_paid_by_customer": "none",
	"mobiles_paid_by_employer": "none",
	"mobiles_on_pay_and_go": "none",
	"has_number_of_another_provider": false,
	"activation_code": "not_issued",
	"is_take_over": false,
}

by_mobile := {"mobiles_paid_by_customer": "own"}

by_code := {"activation_code": "unused"}

# story, facts: the grants, the route, what is required
eligible := [
	["by a mobile", by_mobile, {"eligible_by_mobile_number"}, "mobile_number", {"inform_current_administrator"}],
	[
		"by one mobile of several",
		{
			"mobiles_paid_by_customer": "own",
			"mobiles_paid_by_employer": "own",
			"mobiles_on_pay_and_go": "own",
			"has_number_of_another_provider": true,
		},
		{"eligible_by_mobile_number"}, "mobile_number", {"inform_current_administrator"},
	],
	[
		"by a mobile, where nobody is administrator", object.union(by_mobile, {"has_administrator": false}),
		{"eligible_by_mobile_number"}, "mobile_number", set(),
	],
	[
		"by a mobile, where it is not said", object.union(by_mobile, {"channel": "unspecified"}),
		{"eligible_by_mobile_number"}, "mobile_number", {"inform_current_administrator", "web_site"},
	],
	[
		"by a mobile, on a business number", object.union(by_mobile, {"customer_kind": "business"}),
		{"eligible_by_mobile_number"}, "mobile_number", set(),
	],
	[
		"by a mobile, whatever the code", object.union(by_mobile, {"activation_code": "used"}),
		{"eligible_by_mobile_number"}, "mobile_number", {"inform_current_administrator"},
	],
	[
		"by the code", by_code,
		{"eligible_by_activation_code"}, "activation_code", {"activation_code", "inform_current_administrator"},
	],
	[
		"by the code, not linked", object.union(by_code, {"role": "none", "has_administrator": false}),
		{"eligible_by_activation_code"}, "activation_code", {"activation_code"},
	],
	[
		"by the code, with a prepaid card only", object.union(by_code, {"mobiles_on_pay_and_go": "own"}),
		{"eligible_by_activation_code"}, "activation_code", {"activation_code", "inform_current_administrator"},
	],
	[
		"by the code, with a number elsewhere", object.union(by_code, {"has_number_of_another_provider": true}),
		{"eligible_by_activation_code"}, "activation_code", {"activation_code", "inform_current_administrator"},
	],
]

test_eligible[story] if {
	some [story, facts, grants, route, requires] in eligible
	question := object.union(asked, facts)
	administrators.may_become_administrator with input as question
	found := {reason.code | some reason in administrators.grants with input as question}
	found == grants
	administrators.route == route with input as question
	administrators.requires == requires with input as question
	effects := administrators.effects with input as question
	effects == set()
}

test_every_row_of_eligible_is_tried if count(eligible) == 10

# story, facts: the obstacles
not_eligible := [
	["no mobile of his own", {"mobiles_paid_by_customer": "of_others"}, {"no_own_mobile_on_bill"}],
	["only an employer's mobile of others", {"mobiles_paid_by_employer": "of_others"}, {"no_own_mobile_on_bill"}],
	[
		"a prepaid card", {"mobiles_paid_by_customer": "of_others", "mobiles_on_pay_and_go": "own"},
		{"own_mobile_on_pay_and_go"},
	],
	["an employer pays", {"mobiles_paid_by_employer": "own"}, {"own_mobile_paid_by_employer"}],
	[
		"another provider", {"mobiles_paid_by_customer": "of_others", "has_number_of_another_provider": true},
		{"number_of_another_provider"},
	],
	[
		"all that does not qualify",
		{"mobiles_paid_by_employer": "own", "mobiles_on_pay_and_go": "own", "has_number_of_another_provider": true},
		{"own_mobile_paid_by_employer", "own_mobile_on_pay_and_go", "number_of_another_provider"},
	],
	[
		"a code does not help where mobiles decide",
		{"mobiles_paid_by_customer": "of_others", "activation_code": "unused"},
		{"no_own_mobile_on_bill"},
	],
	["no code was issued", {}, {"no_activation_code_issued"}],
	["the code is used", {"activation_code": "used"}, {"activation_code_used"}],
	["five were wrong", {"activation_code": "unused_after_five_wrong"}, {"code_route_closed"}],
	["in the app", object.union(by_mobile, {"channel": "app"}), {"not_in_the_app"}],
	["already administrator", object.union(by_mobile, {"role": "administrator"}), {"already_administrator"}],
	[
		"of an unknown number",
		{"resource": "unknown_customer"},
		{"customer_number_needed"},
	],
	["of a subscription", {"resource": "subscription"}, {"customer_number_needed"}],
]

test_not_eligible[story] if {
	some [story, facts, obstacles] in not_eligible
	question := object.union(asked, facts)
	found := {reason.code | some reason in administrators.obstacles with input as question}
	found == obstacles
	not administrators.may_become_administrator with input as question
	requires := administrators.requires with input as question
	requires == set()
}

test_every_row_of_not_eligible_is_tried if count(not_eligible) == 14

taking_over := object.union(asked, {
	"is_take_over": true,
	"is_current_administrator_informed": true,
	"given_activation_code": "not_given",
})

# story, facts: the effects
taken_over := [
	[
		"from the administrator", by_mobile,
		{"person_becomes_administrator", "current_administrator_becomes_user", "current_administrator_gets_letter"},
	],
	[
		"from nobody", object.union(by_mobile, {"has_administrator": false, "is_current_administrator_informed": false}),
		{"person_becomes_administrator"},
	],
	[
		"joining the others",
		object.union(by_mobile, {"customer_kind": "business", "is_current_administrator_informed": false}),
		{"person_becomes_administrator"},
	],
	[
		"with the right code", object.union(by_code, {"given_activation_code": "right"}),
		{
			"person_becomes_administrator", "current_administrator_becomes_user",
			"current_administrator_gets_letter", "activation_code_is_used",
		},
	],
	[
		"by a mobile, with a wrong code of a route that does not decide",
		object.union(by_mobile, {"activation_code": "unused", "given_activation_code": "wrong"}),
		{
			"person_becomes_administrator", "current_administrator_becomes_user",
			"current_administrator_gets_letter", "wrong_activation_code_counts",
		},
	],
]

test_taken_over[story] if {
	some [story, facts, effects] in taken_over
	question := object.union(taking_over, facts)
	administrators.may_become_administrator with input as question
	found := administrators.effects with input as question
	found == effects
	requires := administrators.requires with input as question
	requires == set()
}

test_every_row_of_taken_over_is_tried if count(taken_over) == 5

# story, facts: the obstacles, the effects
not_taken_over := [
	[
		"not told", object.union(by_mobile, {"is_current_administrator_informed": false}),
		{"current_administrator_not_informed"}, set(),
	],
	["no code", by_code, {"activation_code_not_given"}, set()],
	[
		"a wrong code", object.union(by_code, {"given_activation_code": "wrong"}),
		{"wrong_activation_code"}, {"wrong_activation_code_counts"},
	],
	[
		"a wrong code in the app, not told",
		object.union(by_code, {
			"given_activation_code": "wrong",
			"channel": "app",
			"is_current_administrator_informed": false,
		}),
		{"wrong_activation_code", "not_in_the_app", "current_administrator_not_informed"},
		{"wrong_activation_code_counts"},
	],
	[
		"a wrong code by the administrator",
		object.union(by_code, {"given_activation_code": "wrong", "role": "administrator"}),
		{"already_administrator"}, {"wrong_activation_code_counts"},
	],
	[
		"a wrong code after five", {"activation_code": "unused_after_five_wrong", "given_activation_code": "wrong"},
		{"code_route_closed"}, set(),
	],
	[
		"a used code", {"activation_code": "used", "given_activation_code": "wrong"},
		{"activation_code_used"}, set(),
	],
	["in the app", object.union(by_mobile, {"channel": "app"}), {"not_in_the_app"}, set()],
]

test_not_taken_over[story] if {
	some [story, facts, obstacles, effects] in not_taken_over
	question := object.union(taking_over, facts)
	not administrators.may_become_administrator with input as question
	found := {reason.code | some reason in administrators.obstacles with input as question}
	found == obstacles
	effected := administrators.effects with input as question
	effected == effects
}

test_every_row_of_not_taken_over_is_tried if count(not_taken_over) == 8

test_fail_an_unknown_person_is_not_eligible if {
	question := object.union_n([asked, by_code, {"role": "none", "is_known_person": false}])
	not administrators.may_become_administrator with input as question
}

test_fail_missing_facts_make_nobody_eligible if {
	question := {
		"action": "become_administrator",
		"resource": "customer",
		"is_known_person": true,
		"role": "user",
		"activation_code": "unused",
	}
	grants := administrators.grants with input as question
	grants == set()
}
