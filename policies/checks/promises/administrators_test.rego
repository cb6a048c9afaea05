package promises_test

administrators := [
	["bills_for_administrators", on_customer_for("administrator", "manage_bills"), denied, allowed],
	["bills_for_nobody_else", on_customer_for("user", "view_payment_statements"), allowed, denied],
	["usage_for_administrators", object.union_n([on_mobile, as_administrator, {"is_holder": false}]), denied, allowed],
	["usage_for_nobody_else", on_internet, allowed, denied],
	["options_for_administrators", option_for("administrator", on_internet, "deactivate_option", "paid"), denied, allowed],
	["options_for_nobody_else", option_for("user", on_internet, "activate_option", "free"), allowed, denied],
	["points_for_administrators", on_customer_for("administrator", "manage_premium_club_points"), denied, allowed],
	["points_for_nobody_else", on_customer_for("user", "view_premium_club_points"), allowed, denied],
	["access_for_administrators", on_customer_for("administrator", "manage_cloud_access"), denied, allowed],
	["access_for_nobody_else", on_customer_for("none", "manage_foot_11_access"), allowed, denied],
	[
		"paid_options_for_administrators", option_for("administrator", on_mobile, "activate_option", "paid"),
		denied, allowed,
	],
	["paid_options_for_nobody_else", option_for("user", on_mobile, "activate_option", "paid"), allowed, denied],
	["administrators_in_the_app", on_customer_for("administrator", "view_bills"), denied, allowed],
	["administrators_in_the_app", object.union(on_internet, as_administrator), denied, allowed],
	["administrators_in_the_app", option_for("administrator", on_internet, "activate_option", "free"), denied, allowed],
]

on_customer_for(role, action) := object.union(on_customer, {"role": role, "action": action})

option_for(role, facts, action, option) := object.union(facts, {"role": role, "action": action, "option": option})
