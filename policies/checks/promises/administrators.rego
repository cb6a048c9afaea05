package promises

# METADATA
# title: An administrator may see and manage the bills and payment statements
# custom: {code: bills_for_administrators, cites: [ADMIN-1]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.resource == "customer"
	input.facts.action in bill_actions
	input.answer.allow == false
}

# METADATA
# title: Nobody but an administrator ever sees or manages a bill or payment statement
# custom: {code: bills_for_nobody_else, cites: [ADMIN-1, USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action in bill_actions
	input.answer.allow == true
}

# METADATA
# title: An administrator may see the usage of all subscriptions, also of mobiles that others hold
# custom: {code: usage_for_administrators, cites: [ADMIN-2]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.action == "view_usage"
	input.facts.is_holder == false
	input.answer.allow == false
}

# METADATA
# title: Nobody but an administrator sees the usage of anything but his or her own mobile
# custom: {code: usage_for_nobody_else, cites: [ADMIN-2, USER-1, USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action == "view_usage"
	input.answer.allow == true
	not is_own_mobile
}

# METADATA
# title: An administrator may activate and deactivate the options of all subscriptions
# custom: {code: options_for_administrators, cites: [ADMIN-3, ROLE-1]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.resource == "subscription"
	input.facts.action in option_actions
	input.facts.option in priced
	input.answer.allow == false
}

# METADATA
# title: Nobody but an administrator manages the options of anything but his or her own mobile
# custom: {code: options_for_nobody_else, cites: [ADMIN-3, USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action in option_actions
	input.answer.allow == true
	not is_own_mobile
}

# METADATA
# title: An administrator may see and manage the Premium Club points
# custom: {code: points_for_administrators, cites: [ADMIN-4]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.resource == "customer"
	input.facts.action in premium_club_actions
	input.answer.allow == false
}

# METADATA
# title: Nobody but an administrator sees or manages the Premium Club points
# custom: {code: points_for_nobody_else, cites: [ADMIN-4, USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action in premium_club_actions
	input.answer.allow == true
}

# METADATA
# title: An administrator may manage the access to Proximus TV, to the Cloud and to Foot 11
# custom: {code: access_for_administrators, cites: [ADMIN-5]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.resource == "customer"
	input.facts.action in access_actions
	input.answer.allow == false
}

# METADATA
# title: Nobody but an administrator manages the access to Proximus TV, to the Cloud or to Foot 11
# custom: {code: access_for_nobody_else, cites: [ADMIN-5, USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action in access_actions
	input.answer.allow == true
}

# METADATA
# title: An administrator may activate paid options
# custom: {code: paid_options_for_administrators, cites: [ADMIN-6]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.action == "activate_option"
	input.facts.option == "paid"
	input.answer.allow == false
}

# METADATA
# title: Nobody but an administrator activates a paid option
# custom: {code: paid_options_for_nobody_else, cites: [ADMIN-6, USER-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role in {"user", "none"}
	input.facts.action == "activate_option"
	input.facts.option == "paid"
	input.answer.allow == true
}

# METADATA
# title: In the app an administrator may do all that he or she may do on the web site
# custom: {code: administrators_in_the_app, cites: [ADMIN-1, ADMIN-2, ADMIN-3, ADMIN-4, ADMIN-5, ADMIN-6]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.role == "administrator"
	input.facts.channel == "app"
	is_for_administrators
	input.answer.allow == false
}
