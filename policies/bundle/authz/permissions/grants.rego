# METADATA
# title: Permissions
# description: What the administrator of a customer number and its users may do, on the web site and in the app alike.
package authz.permissions

import data.authz.catalogue
import data.authz.reasons
import data.authz.roles

# METADATA
# title: An administrator sees and manages the bills
# description: The administrator sees and manages the bills or payment statements of all subscriptions.
# custom:
#   code: administrator_bills
#   cites: [ADMIN-1]
#   message:
#     en: You are administrator of this customer number, so its bills and payment statements are yours to see and manage.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "customer"
	input.action in catalogue.bill_actions
}

# METADATA
# title: An administrator sees the usage of every subscription
# description: The administrator sees the usage of all subscriptions that the customer number groups.
# custom:
#   code: administrator_usage
#   cites: [ADMIN-2, ROLE-1]
#   message:
#     en: You are administrator of this customer number, so you may see the usage of each of its subscriptions.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "subscription"
	input.action == "view_usage"
}

# METADATA
# title: An administrator manages the options of every subscription
# description: The administrator activates free options and deactivates any option, on all subscriptions.
# custom:
#   code: administrator_options
#   cites: [ADMIN-3, ROLE-1, READ-5]
#   message:
#     en: You are administrator of this customer number, so you may manage the options of each of its subscriptions.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "subscription"
	input.action in catalogue.option_actions
	input.option in {"free", "paid"}
}

# METADATA
# title: An administrator activates paid options
# description: Nobody but the administrator activates an option that costs something.
# custom:
#   code: administrator_paid_options
#   cites: [ADMIN-6]
#   message:
#     en: You are administrator of this customer number, so you may activate options that cost money.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "subscription"
	input.action == "activate_option"
	input.option == "paid"
}

# METADATA
# title: An administrator sees and manages the Premium Club points
# description: The Premium Club points of a customer number are for its administrator.
# custom:
#   code: administrator_premium_club_points
#   cites: [ADMIN-4]
#   message:
#     en: You are administrator of this customer number, so its Premium Club points are yours to see and manage.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "customer"
	input.action in catalogue.premium_club_actions
}

# METADATA
# title: An administrator manages the access to Proximus TV, the Cloud and Foot 11
# description: The access to these services is for the administrator to manage.
# custom:
#   code: administrator_access
#   cites: [ADMIN-5]
#   message:
#     en: You are administrator of this customer number, so you may manage the access to its services.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "customer"
	input.action in catalogue.access_actions
}

# METADATA
# title: A user sees the usage of his or her own mobile
# description: The usage of a mobile is for the user who holds it, whoever pays for it and however.
# custom:
#   code: own_mobile_usage
#   cites: [USER-1]
#   message:
#     en: This mobile is your own, so you may see its usage.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	is_own_mobile
	input.action == "view_usage"
}

# METADATA
# title: A user activates free options for his or her own mobile
# description: An option that costs nothing may be activated by the user who holds the mobile.
# custom:
#   code: own_mobile_free_options
#   cites: [USER-2]
#   message:
#     en: This mobile is your own and the option is free, so you may activate it.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	is_own_mobile
	input.action == "activate_option"
	input.option == "free"
}

# METADATA
# title: Everyone linked looks up his or her own role
# description: Administrators and users alike see which role they have.
# custom:
#   code: own_role
#   cites: [ROLE-6]
#   message:
#     en: Everyone linked to a customer number may see which role he or she has on it.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_linked
	input.resource == "customer"
	input.action == "view_role"
}

# METADATA
# title: Own mobile
# description: A mobile of this customer number whose holder is the person, whoever pays for it and however.
# custom: {code: is_own_mobile, cites: [READ-6]}
is_own_mobile if {
	input.subscription_kind == "mobile"
	input.is_holder == true
}
