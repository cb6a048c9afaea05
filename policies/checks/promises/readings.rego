package promises

# METADATA
# title: Pay&Go numbers and numbers of other providers are not on the bill, so without others the code decides
# custom: {code: not_on_the_bill, cites: [READ-1]}
broken contains rego.metadata.rule().custom.code if {
	has_no_mobile_on_bill
	input.answer.route == "mobile_number"
}

# METADATA
# title: A mobile that an employer pays is on the bill, so no code opens that number
# custom: {code: on_the_bill, cites: [READ-1]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.mobiles_paid_by_employer in {"own", "of_others"}
	input.answer.route == "activation_code"
}

# METADATA
# title: One mobile that qualifies is enough, whatever others the person has
# custom: {code: one_is_enough, cites: [READ-2]}
broken contains rego.metadata.rule().custom.code if {
	may_seek_the_role
	input.facts.mobiles_paid_by_customer == "own"
	input.facts.mobiles_paid_by_employer == "own"
	input.facts.mobiles_on_pay_and_go == "own"
	input.facts.has_number_of_another_provider == true
	has_told_whom_to_tell
	input.answer.allow == false
}

# METADATA
# title: Whoever is administrator does not become it again
# custom: {code: not_again, cites: [READ-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.action == "become_administrator"
	input.answer.allow == true
}

# METADATA
# title: On a business number nobody is demoted, written to or has to be told
# custom: {code: nothing_is_taken_over_from_a_business, cites: [READ-4, ROLE-4]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.customer_kind == "business"
	some what in array.concat(input.answer.effects, input.answer.requires)
	what in {
		"current_administrator_becomes_user",
		"current_administrator_gets_letter",
		"inform_current_administrator",
	}
}

# METADATA
# title: Nobody but an administrator deactivates an option, free or paid
# custom: {code: deactivation_for_administrators, cites: [READ-5]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action == "deactivate_option"
	input.answer.allow == true
}

# METADATA
# title: The own mobile is the one that the person holds, whoever pays for it and however
# custom: {code: held_is_own, cites: [READ-6]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "user"
	input.facts.action == "view_usage"
	input.facts.is_holder == true
	input.facts.plan == "pay_and_go"
	input.facts.paid_by == "employer"
	input.answer.allow == false
}

# METADATA
# title: A person who is not linked may do nothing but become administrator, and that by the activation code alone
# custom: {code: nothing_without_a_role, cites: [READ-7]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "none"
	input.answer.allow == true
	not is_by_the_code
}

# METADATA
# title: Without a role on this customer number nothing of it is seen or managed, whatever role there is elsewhere
# custom: {code: no_role_from_elsewhere, cites: [READ-8]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "none"
	input.answer.allow == true
	not is_about_becoming_administrator
}

# METADATA
# title: Nobody unknown, nothing unknown and no unknown action is ever allowed
# custom: {code: nothing_unknown, cites: [READ-9]}
broken contains rego.metadata.rule().custom.code if {
	is_unknown
	input.answer.allow == true
}

# METADATA
# title: An option that is not named, does not exist or is for another kind of subscription is denied
# custom: {code: no_option_of_nothing, cites: [READ-9]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.option in {"not_given", "unknown", "for_another_kind"}
	input.answer.allow == true
}

# METADATA
# title: An administrator may do nothing that the requirements do not list
# custom: {code: nothing_else_for_administrators, cites: [READ-9]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.answer.allow == true
	not is_for_administrators
	not is_for_everyone_linked
}

# METADATA
# title: Every answer says why
# custom: {code: every_answer_says_why, cites: [READ-9]}
broken contains rego.metadata.rule().custom.code if count(input.answer.reasons) == 0

# METADATA
# title: With mobiles on the bill they decide, whatever code is given
# custom: {code: mobiles_decide, cites: [READ-10]}
broken contains rego.metadata.rule().custom.code if {
	has_mobile_on_bill
	input.answer.allow == true
	not input.answer.route == "mobile_number"
}

# METADATA
# title: With no mobile on the bill the code alone decides
# custom: {code: the_code_decides, cites: [READ-10]}
broken contains rego.metadata.rule().custom.code if {
	has_no_mobile_on_bill
	input.answer.allow == true
	not input.answer.route == "activation_code"
}

# METADATA
# title: Nothing but becoming administrator has a route
# custom: {code: a_route_leads_to_the_role, cites: [READ-10]}
broken contains rego.metadata.rule().custom.code if {
	input.answer.route in {"activation_code", "mobile_number"}
	not is_becoming_administrator
}

# METADATA
# title: Five wrong codes close the code route
# custom: {code: closed_after_five, cites: [READ-11]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.activation_code == "unused_after_five_wrong"
	input.answer.route == "activation_code"
}

# METADATA
# title: A wrong code counts as long as the route is open, whoever tries and whatever else stands against it
# custom: {code: every_wrong_code_counts, cites: [READ-11]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.activation_code == "unused"
	input.facts.given_activation_code == "wrong"
	not "wrong_activation_code_counts" in input.answer.effects
}

# METADATA
# title: Nothing counts as a wrong code but one that is given while the route is open
# custom: {code: only_wrong_codes_count, cites: [READ-11]}
broken contains rego.metadata.rule().custom.code if {
	"wrong_activation_code_counts" in input.answer.effects
	not is_wrong_while_open
}

# METADATA
# title: A number without an activation code, or with one that has been used, is not taken by the code route
# custom: {code: no_code_no_route, cites: [READ-12]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.activation_code in {"not_issued", "used"}
	input.answer.route == "activation_code"
}

# METADATA
# title: A code works once
# custom: {code: a_code_works_once, cites: [READ-12]}
broken contains rego.metadata.rule().custom.code if {
	takes_the_role
	has_no_mobile_on_bill
	not "activation_code_is_used" in input.answer.effects
}

# METADATA
# title: A code that opened nothing is not used up
# custom: {code: kept_unless_it_opens, cites: [READ-12, READ-10]}
broken contains rego.metadata.rule().custom.code if {
	"activation_code_is_used" in input.answer.effects
	not is_by_the_code
}

is_unknown if input.facts.is_known_person == false

is_unknown if input.facts.resource in {"unknown_customer", "unknown_subscription", "unknown_type"}

is_unknown if input.facts.action == "unknown"

is_becoming_administrator if {
	is_about_becoming_administrator
	input.answer.allow == true
}

is_by_the_code if {
	is_becoming_administrator
	input.answer.route == "activation_code"
}

is_wrong_while_open if {
	input.facts.activation_code == "unused"
	input.facts.given_activation_code == "wrong"
}
