package promises_test

wrong_code := {"given_activation_code": "wrong"}

counted := object.union(denied, {"effects": ["wrong_activation_code_counts"]})

readings := [
	["not_on_the_bill", object.union(asked, without_mobile), may_by_mobile, may_by_code],
	[
		"on_the_bill", object.union_n([asked, without_mobile, {"mobiles_paid_by_employer": "of_others"}]),
		may_by_code, denied,
	],
	[
		"one_is_enough",
		object.union(asked, {
			"mobiles_paid_by_employer": "own",
			"mobiles_on_pay_and_go": "own",
			"has_number_of_another_provider": true,
		}),
		denied, may_by_mobile,
	],
	["not_again", object.union(asked, as_administrator), may_by_mobile, denied],
	[
		"nothing_is_taken_over_from_a_business", object.union(asked, on_business),
		may_by_mobile, object.union(may_by_mobile, {"requires": []}),
	],
	["nothing_is_taken_over_from_a_business", object.union(taking_over, on_business), taken_by_mobile, joined],
	["deactivation_for_administrators", option_for("user", on_mobile, "deactivate_option", "free"), allowed, denied],
	["held_is_own", object.union(on_mobile, {"plan": "pay_and_go", "paid_by": "employer"}), denied, allowed],
	["nothing_without_a_role", object.union_n([asked, of_others, {"role": "none"}]), may_by_mobile, denied],
	["no_role_from_elsewhere", on_customer_for("none", "view_role"), allowed, denied],
	["nothing_unknown", object.union(on_customer, {"is_known_person": false, "role": "none"}), allowed, denied],
	["nothing_unknown", object.union(on_customer, {"resource": "unknown_customer"}), allowed, denied],
	["nothing_unknown", on_customer_for("administrator", "unknown"), allowed, denied],
	["no_option_of_nothing", option_for("administrator", on_mobile, "activate_option", "unknown"), allowed, denied],
	["nothing_else_for_administrators", on_customer_for("administrator", "view_usage"), allowed, denied],
	["every_answer_says_why", on_customer, object.union(allowed, {"reasons": []}), allowed],
	["mobiles_decide", asked, object.union(may_by_mobile, {"route": "activation_code"}), may_by_mobile],
	["the_code_decides", object.union(asked, without_mobile), object.union(may_by_code, {"route": null}), may_by_code],
	["a_route_leads_to_the_role", on_customer, object.union(allowed, {"route": "mobile_number"}), allowed],
	[
		"closed_after_five", object.union_n([asked, without_mobile, {"activation_code": "unused_after_five_wrong"}]),
		may_by_code, denied,
	],
	["every_wrong_code_counts", object.union_n([taking_over, without_mobile, wrong_code]), denied, counted],
	["only_wrong_codes_count", object.union(taking_over, {"channel": "app"}), counted, denied],
	["no_code_no_route", object.union_n([asked, without_mobile, {"activation_code": "used"}]), may_by_code, denied],
	[
		"a_code_works_once", object.union_n([taking_over, without_mobile, right_code]),
		object.union(taken_by_code, {"effects": taken_by_mobile.effects}), taken_by_code,
	],
	[
		"kept_unless_it_opens", taking_over,
		object.union(taken_by_mobile, {"effects": taken_by_code.effects}), taken_by_mobile,
	],
]
