# METADATA
# title: The catalogue of actions
# description: Every action there is, grouped as the requirements group them.
package authz.catalogue

# METADATA
# title: Bills and payment statements
# description: What can be done with the bills or payment statements of all subscriptions of a customer number.
# custom: {code: bill_actions, cites: [ADMIN-1]}
bill_actions := {
	"view_bills",
	"manage_bills",
	"view_payment_statements",
	"manage_payment_statements",
}

# METADATA
# title: Premium Club points
# description: What can be done with the Premium Club points of a customer number.
# custom: {code: premium_club_actions, cites: [ADMIN-4]}
premium_club_actions := {
	"view_premium_club_points",
	"manage_premium_club_points",
}

# METADATA
# title: Access to Proximus TV, the Cloud and Foot 11
# description: What can be done with the access to the services of a customer number.
# custom: {code: access_actions, cites: [ADMIN-5]}
access_actions := {
	"manage_proximus_tv_access",
	"manage_cloud_access",
	"manage_foot_11_access",
}

# METADATA
# title: Actions on a customer number that are for its administrator
# description: Together they are what the administrator alone may do with a customer number as a whole.
# custom: {code: administrator_actions, cites: [ADMIN-1, ADMIN-4, ADMIN-5]}
administrator_actions := (bill_actions | premium_club_actions) | access_actions

# METADATA
# title: Managing options
# description: What can be done with the options of a subscription.
# custom: {code: option_actions, cites: [ADMIN-3, READ-5]}
option_actions := {
	"activate_option",
	"deactivate_option",
}

# METADATA
# title: The actions of each type of resource
# description: The whole catalogue. What is not in it is an unknown action.
# custom: {code: actions, cites: [READ-9]}
actions := {
	"customer": (administrator_actions | {"view_role", "become_administrator", "delegate"}),
	"subscription": (option_actions | {"view_usage"}),
}
