package promises

# METADATA
# title: A user may see the usage of his or her own mobile
# custom: {code: own_mobile_usage_for_users, cites: [USER-1]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "user"
	input.facts.action == "view_usage"
	is_own_mobile
	input.answer.allow == false
}

# METADATA
# title: A user may activate free options for his or her own mobile
# custom: {code: free_options_for_users, cites: [USER-2]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "user"
	input.facts.action == "activate_option"
	input.facts.option == "free"
	is_own_mobile
	input.answer.allow == false
}

# METADATA
# title: A user may do nothing else but look up a role and become administrator
# custom: {code: nothing_else_for_users, cites: [USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "user"
	input.answer.allow == true
	not is_for_users
	not is_for_everyone_linked
	not is_about_becoming_administrator
}

# METADATA
# title: In the app a user may do all that he or she may do on the web site
# custom: {code: users_in_the_app, cites: [USER-1, USER-2, ROLE-6]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "user"
	input.facts.channel == "app"
	is_for_users
	input.answer.allow == false
}

# METADATA
# title: On the web site a user may do no more than in the app, but for becoming administrator
# custom: {code: users_on_the_web_site, cites: [USER-3, TAKE-2]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "user"
	input.facts.channel in {"web", "unspecified"}
	input.answer.allow == true
	not is_for_users
	not is_for_everyone_linked
	not is_about_becoming_administrator
}
