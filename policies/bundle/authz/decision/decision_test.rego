package authz.decision_test

import data.authz.decision

bills := {
	"action": "view_bills",
	"channel": "app",
	"is_known_person": true,
	"resource": "customer",
	"role": "administrator",
	"customer_kind": "residential",
}

test_success_a_permit_has_the_grants_as_reasons if {
	answer := decision.answer with input as bills
	answer.allow == true
	{reason.code | some reason in answer.reasons} == {"administrator_bills"}
	{cite | some reason in answer.reasons; some cite in reason.cites} == {"ADMIN-1"}
}

test_fail_a_denial_has_the_obstacles_as_reasons if {
	answer := decision.answer with input as object.union(bills, {"role": "user"})
	answer.allow == false
	{reason.code | some reason in answer.reasons} == {"administrator_only"}
}

test_fail_an_obstacle_overrules_a_grant if {
	answer := decision.answer with input as {
		"action": "become_administrator",
		"channel": "app",
		"is_known_person": true,
		"resource": "customer",
		"role": "user",
		"customer_kind": "residential",
		"has_administrator": false,
		"mobiles_paid_by_customer": "own",
		"mobiles_paid_by_employer": "none",
		"mobiles_on_pay_and_go": "none",
		"has_number_of_another_provider": false,
		"activation_code": "not_issued",
		"is_take_over": false,
	}
	answer.allow == false
	answer.route == null
	answer.requires == set()
	{reason.code | some reason in answer.reasons} == {"not_in_the_app"}
}

test_success_the_route_is_told_on_a_permit if {
	answer := decision.answer with input as {
		"action": "become_administrator",
		"channel": "web",
		"is_known_person": true,
		"resource": "customer",
		"role": "none",
		"customer_kind": "residential",
		"has_administrator": false,
		"mobiles_paid_by_customer": "none",
		"mobiles_paid_by_employer": "none",
		"mobiles_on_pay_and_go": "none",
		"has_number_of_another_provider": false,
		"activation_code": "unused",
		"is_take_over": false,
	}
	answer.allow == true
	answer.route == "activation_code"
	answer.requires == {"activation_code"}
}

test_fail_silence_is_a_no if {
	answer := decision.answer with input as object.union(bills, {"action": "view_usage"})
	answer.allow == false
	{reason.code | some reason in answer.reasons} == {"nothing_grants"}
}

test_fail_an_empty_document_is_denied_in_the_same_shape if {
	answer := decision.answer with input as {}
	answer.allow == false
	count(answer.reasons) > 0
	object.keys(answer) == {"allow", "reasons", "route", "requires", "effects"}
}
