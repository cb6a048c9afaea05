# METADATA
# title: Promises
# description: >-
#   What holds in every situation, whatever the rules are. `input.facts` is a situation and `input.answer` what the
#   policy says of it; a promise is in `broken` where it does not hold. Promises are written from the requirements alone
#   and know nothing of the bundle.
# scope: subpackages
# schemas:
#   - input: schema.promise
package promises

bill_actions := {"view_bills", "manage_bills", "view_payment_statements", "manage_payment_statements"}

premium_club_actions := {"view_premium_club_points", "manage_premium_club_points"}

access_actions := {"manage_proximus_tv_access", "manage_cloud_access", "manage_foot_11_access"}

option_actions := {"activate_option", "deactivate_option"}

priced := {"free", "paid"}

# What the requirements list for an administrator, wherever he or she is.
is_for_administrators if {
	input.facts.resource == "customer"
	input.facts.action in ((bill_actions | premium_club_actions) | access_actions)
}

is_for_administrators if {
	input.facts.resource == "subscription"
	input.facts.action == "view_usage"
}

is_for_administrators if {
	input.facts.resource == "subscription"
	input.facts.action in option_actions
	input.facts.option in priced
}

# What they list for a user, wherever he or she is.
is_for_users if {
	is_own_mobile
	input.facts.action == "view_usage"
}

is_for_users if {
	is_own_mobile
	input.facts.action == "activate_option"
	input.facts.option == "free"
}

is_for_everyone_linked if {
	input.facts.resource == "customer"
	input.facts.action == "view_role"
}

is_own_mobile if {
	input.facts.subscription_kind == "mobile"
	input.facts.is_holder == true
}

is_about_becoming_administrator if {
	input.facts.resource == "customer"
	input.facts.action == "become_administrator"
}

# A known person without the role asks for it where the web site is not ruled out.
may_seek_the_role if {
	is_about_becoming_administrator
	input.facts.is_known_person == true
	input.facts.role in {"user", "none"}
	input.facts.channel in {"web", "unspecified"}
}

has_mobile_on_bill if input.facts.mobiles_paid_by_customer in {"own", "of_others"}

has_mobile_on_bill if input.facts.mobiles_paid_by_employer in {"own", "of_others"}

has_no_mobile_on_bill if {
	input.facts.mobiles_paid_by_customer == "none"
	input.facts.mobiles_paid_by_employer == "none"
}

# Somebody loses the role to whoever takes it over.
has_somebody_to_take_over_from if {
	input.facts.customer_kind == "residential"
	input.facts.has_administrator == true
}

# It is only asked, or the current administrator has been told where there is one to tell.
has_told_whom_to_tell if input.facts.is_take_over == false

has_told_whom_to_tell if input.facts.is_current_administrator_informed == true

has_told_whom_to_tell if {
	input.facts.is_take_over == true
	not has_somebody_to_take_over_from
}

has_brought_the_code if input.facts.is_take_over == false

has_brought_the_code if input.facts.given_activation_code == "right"

takes_the_role if {
	input.facts.is_take_over == true
	input.answer.allow == true
}
