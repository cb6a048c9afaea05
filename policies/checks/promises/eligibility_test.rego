package promises_test

right_code := {"given_activation_code": "right"}

of_others := {"mobiles_paid_by_customer": "of_others"}

eligibility := [
	["the_code_opens", object.union(asked, without_mobile), denied, may_by_code],
	["the_code_opens", object.union_n([taking_over, without_mobile, right_code]), denied, taken_by_code],
	["the_code_is_needed", object.union(taking_over, without_mobile), taken_by_code, denied],
	[
		"the_code_is_asked_for", object.union(asked, without_mobile),
		object.union(may_by_code, {"requires": ["inform_current_administrator"]}), may_by_code,
	],
	["a_mobile_opens", asked, denied, may_by_mobile],
	["a_mobile_opens", taking_over, denied, taken_by_mobile],
	[
		"a_mobile_opens",
		object.union(taking_over, {"has_administrator": false, "is_current_administrator_informed": false}),
		denied, joined,
	],
	["a_mobile_is_needed", object.union(asked, of_others), may_by_mobile, denied],
	["no_pay_and_go", object.union_n([asked, of_others, {"mobiles_on_pay_and_go": "own"}]), may_by_mobile, denied],
	[
		"no_employer", object.union_n([asked, without_mobile, {"mobiles_paid_by_employer": "own"}]),
		may_by_mobile, denied,
	],
	[
		"no_other_provider", object.union_n([asked, of_others, {"has_number_of_another_provider": true}]),
		may_by_mobile, denied,
	],
]
