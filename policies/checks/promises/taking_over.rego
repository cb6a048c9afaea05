package promises

# METADATA
# title: Nobody takes over before the current administrator has been told
# custom: {code: told_first, cites: [TAKE-1]}
broken contains rego.metadata.rule().custom.code if {
	takes_the_role
	has_somebody_to_take_over_from
	input.facts.is_current_administrator_informed == false
}

# METADATA
# title: Whoever asks whether to take over hears that the current administrator has to be told
# custom: {code: telling_is_asked_for, cites: [TAKE-1]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.is_take_over == false
	has_somebody_to_take_over_from
	input.answer.allow == true
	not "inform_current_administrator" in input.answer.requires
}

# METADATA
# title: Only the web site takes over, never the app
# custom: {code: never_in_the_app, cites: [TAKE-2]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.action == "become_administrator"
	input.facts.channel == "app"
	input.answer.allow == true
}

# METADATA
# title: Where the channel is not said, the web site is asked for
# custom: {code: the_web_site_is_asked_for, cites: [TAKE-2]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.action == "become_administrator"
	input.facts.channel == "unspecified"
	input.answer.allow == true
	not "web_site" in input.answer.requires
}

# METADATA
# title: Nobody becomes administrator of anything but a customer number that exists
# custom: {code: of_a_customer_number, cites: [TAKE-3]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.action == "become_administrator"
	input.facts.resource in {"subscription", "unknown_customer", "unknown_subscription", "unknown_type"}
	input.answer.allow == true
}

# METADATA
# title: Who takes the role over is administrator at once
# custom: {code: at_once, cites: [TAKE-4]}
broken contains rego.metadata.rule().custom.code if {
	takes_the_role
	not "person_becomes_administrator" in input.answer.effects
}

# METADATA
# title: Nobody becomes administrator without a take-over that is allowed
# custom: {code: only_by_a_take_over, cites: [TAKE-4, READ-9]}
broken contains rego.metadata.rule().custom.code if {
	"person_becomes_administrator" in input.answer.effects
	not takes_the_role
}

# METADATA
# title: A question changes nothing
# custom: {code: a_question_changes_nothing, cites: [TAKE-4]}
broken contains rego.metadata.rule().custom.code if {
	count(input.answer.effects) > 0
	not is_a_take_over
}

# METADATA
# title: Nothing is left to bring when the role is taken
# custom: {code: nothing_left_to_bring, cites: [TAKE-4]}
broken contains rego.metadata.rule().custom.code if {
	count(input.answer.requires) > 0
	not is_a_permitted_question
}

# METADATA
# title: A previous administrator gets an e-mail
# custom: {code: the_previous_administrator_is_written_to, cites: [TAKE-5]}
broken contains rego.metadata.rule().custom.code if {
	"current_administrator_becomes_user" in input.answer.effects
	not "current_administrator_gets_letter" in input.answer.effects
}

# METADATA
# title: Nobody else gets an e-mail
# custom: {code: nobody_else_is_written_to, cites: [TAKE-5]}
broken contains rego.metadata.rule().custom.code if {
	"current_administrator_gets_letter" in input.answer.effects
	not "current_administrator_becomes_user" in input.answer.effects
}

# METADATA
# title: The previous administrator of a residential number has a user's rights from then on
# custom: {code: the_previous_administrator_becomes_user, cites: [TAKE-6]}
broken contains rego.metadata.rule().custom.code if {
	takes_the_role
	has_somebody_to_take_over_from
	not "current_administrator_becomes_user" in input.answer.effects
}

# METADATA
# title: Only a take-over makes a user of an administrator, where there is one to take over from
# custom: {code: nobody_else_becomes_user, cites: [TAKE-6]}
broken contains rego.metadata.rule().custom.code if {
	"current_administrator_becomes_user" in input.answer.effects
	not has_somebody_to_take_over_from
}

is_a_take_over if input.facts.is_take_over == true

is_a_permitted_question if {
	input.facts.is_take_over == false
	input.answer.allow == true
}
