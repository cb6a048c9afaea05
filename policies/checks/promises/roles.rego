package promises

# METADATA
# title: An administrator may see the usage of every subscription, whatever it is for
# custom: {code: every_subscription, cites: [ROLE-1, ADMIN-2]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.resource == "subscription"
	input.facts.action == "view_usage"
	input.facts.role == "administrator"
	input.answer.allow == false
}

# METADATA
# title: Nobody becomes what he or she is already
# custom: {code: one_role_each, cites: [ROLE-2, READ-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	"person_becomes_administrator" in input.answer.effects
}

# METADATA
# title: A residential take-over leaves one administrator
# custom: {code: one_residential_administrator, cites: [ROLE-3]}
broken contains rego.metadata.rule().custom.code if {
	has_somebody_to_take_over_from
	"person_becomes_administrator" in input.answer.effects
	not "current_administrator_becomes_user" in input.answer.effects
}

# METADATA
# title: A residential number is not left without an administrator
# custom: {code: no_vacancy, cites: [ROLE-3, TAKE-6]}
broken contains rego.metadata.rule().custom.code if {
	"current_administrator_becomes_user" in input.answer.effects
	not "person_becomes_administrator" in input.answer.effects
}

# METADATA
# title: A business number takes another administrator beside those it has, told or not
# custom: {code: several_business_administrators, cites: [ROLE-4, READ-4]}
broken contains rego.metadata.rule().custom.code if {
	may_seek_the_role
	input.facts.customer_kind == "business"
	input.facts.mobiles_paid_by_customer == "own"
	input.answer.allow == false
}

# METADATA
# title: Nobody delegates a part of a role
# custom: {code: nobody_delegates, cites: [ROLE-5]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.action == "delegate"
	input.answer.allow == true
}

# METADATA
# title: Everyone linked may look up his or her role
# custom: {code: everyone_sees_the_role, cites: [ROLE-6]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"administrator", "user"}
	is_for_everyone_linked
	input.answer.allow == false
}
