package authz.permissions_test

import data.authz.catalogue
import data.authz.permissions

# Facts of the questions below; each table changes what it is about.
on_customer := {
	"channel": "web",
	"is_known_person": true,
	"resource": "customer",
	"customer_kind": "residential",
}

on_internet := object.union(on_customer, {"resource": "subscription", "subscription_kind": "internet"})

on_own_mobile := object.union(on_customer, {
	"resource": "subscription",
	"subscription_kind": "mobile",
	"is_holder": true,
	"plan": "subscription",
	"paid_by": "customer",
})

on_mobile_of_another := object.union(on_own_mobile, {"is_holder": false})

# who, on what, action, option: the codes of the grants
granted := [
	# administrator
	["administrator", on_customer, "view_bills", {}, {"administrator_bills"}],
	["administrator", on_customer, "manage_bills", {}, {"administrator_bills"}],
	["administrator", on_customer, "view_payment_statements", {}, {"administrator_bills"}],
	["administrator", on_customer, "manage_payment_statements", {}, {"administrator_bills"}],
	["administrator", on_customer, "view_premium_club_points", {}, {"administrator_premium_club_points"}],
	["administrator", on_customer, "manage_premium_club_points", {}, {"administrator_premium_club_points"}],
	["administrator", on_customer, "manage_proximus_tv_access", {}, {"administrator_access"}],
	["administrator", on_customer, "manage_cloud_access", {}, {"administrator_access"}],
	["administrator", on_customer, "manage_foot_11_access", {}, {"administrator_access"}],
	["administrator", on_customer, "view_role", {}, {"own_role"}],
	["administrator", on_internet, "view_usage", {}, {"administrator_usage"}],
	["administrator", on_own_mobile, "view_usage", {}, {"administrator_usage"}],
	["administrator", on_mobile_of_another, "view_usage", {}, {"administrator_usage"}],
	["administrator", on_internet, "activate_option", {"option": "free"}, {"administrator_options"}],
	[
		"administrator", on_internet, "activate_option", {"option": "paid"},
		{"administrator_options", "administrator_paid_options"},
	],
	["administrator", on_internet, "deactivate_option", {"option": "free"}, {"administrator_options"}],
	["administrator", on_internet, "deactivate_option", {"option": "paid"}, {"administrator_options"}],
	# user
	["user", on_customer, "view_role", {}, {"own_role"}],
	["user", on_own_mobile, "view_usage", {}, {"own_mobile_usage"}],
	["user", on_own_mobile, "activate_option", {"option": "free"}, {"own_mobile_free_options"}],
]

test_granted[name] if {
	some number, [role, facts, action, option, codes] in granted
	name := sprintf("%d: %s may %s %v", [number, role, action, option])
	asked := object.union_n([facts, {"role": role, "action": action}, option])
	found := {reason.code | some reason in permissions.grants with input as asked}
	found == codes
	obstacles := permissions.obstacles with input as asked
	obstacles == set()
}

test_every_row_of_granted_is_tried if count(granted) == 20

# who, on what, action, option: the codes of the obstacles
hindered := [
	# user
	["user", on_customer, "view_bills", {}, {"administrator_only"}],
	["user", on_customer, "manage_premium_club_points", {}, {"administrator_only"}],
	["user", on_customer, "manage_cloud_access", {}, {"administrator_only"}],
	["user", on_internet, "view_usage", {}, {"not_own_mobile"}],
	["user", on_mobile_of_another, "view_usage", {}, {"not_own_mobile"}],
	["user", on_mobile_of_another, "activate_option", {"option": "free"}, {"not_own_mobile"}],
	["user", on_mobile_of_another, "activate_option", {"option": "paid"}, {"not_own_mobile", "paid_option"}],
	["user", on_own_mobile, "activate_option", {"option": "paid"}, {"paid_option"}],
	["user", on_own_mobile, "activate_option", {"option": "unknown"}, {"unknown_option"}],
	["user", on_own_mobile, "deactivate_option", {"option": "free"}, {"deactivation"}],
	["user", on_own_mobile, "deactivate_option", {"option": "paid"}, {"deactivation"}],
	["user", on_customer, "delegate", {}, {"no_delegation"}],
	# administrator
	["administrator", on_customer, "delegate", {}, {"no_delegation"}],
	["administrator", on_internet, "activate_option", {"option": "not_given"}, {"option_not_given"}],
	["administrator", on_internet, "activate_option", {"option": "unknown"}, {"unknown_option"}],
	["administrator", on_internet, "deactivate_option", {"option": "for_another_kind"}, {"option_for_another_kind"}],
	["administrator", on_customer, "unknown", {}, {"unknown_action"}],
	# not linked
	["none", on_customer, "view_bills", {}, {"not_linked"}],
	["none", on_customer, "view_role", {}, {"not_linked"}],
	["none", on_mobile_of_another, "view_usage", {}, {"not_linked"}],
	["none", on_customer, "delegate", {}, {"not_linked", "no_delegation"}],
	# unknown
	["none", object.union(on_customer, {"is_known_person": false}), "view_bills", {}, {"unknown_subject"}],
	["none", object.union(on_customer, {"resource": "unknown_customer"}), "view_bills", {}, {"unknown_resource"}],
]

test_hindered[name] if {
	some number, [role, facts, action, option, codes] in hindered
	name := sprintf("%d: %s may not %s %v (%v)", [number, role, action, option, codes])
	asked := object.union_n([facts, {"role": role, "action": action}, option])
	found := {reason.code | some reason in permissions.obstacles with input as asked}
	found == codes
	grants := permissions.grants with input as asked
	grants == set()
}

test_every_row_of_hindered_is_tried if count(hindered) == 23

test_success_becoming_administrator_is_no_matter_of_being_linked if {
	asked := object.union(on_customer, {"role": "none", "action": "become_administrator"})
	obstacles := permissions.obstacles with input as asked
	obstacles == set()
}

test_fail_missing_facts_grant_nothing if {
	every action in {action | some actions in catalogue.actions; some action in actions} {
		grants := permissions.grants with input as {"action": action}
		grants == set()
	}
}

test_success_own_mobile_whoever_pays_and_however if {
	every facts in [{"plan": "pay_and_go"}, {"paid_by": "employer"}, {"plan": "pay_and_go", "paid_by": "employer"}] {
		permissions.is_own_mobile with input as object.union(on_own_mobile, facts)
	}
}
