package promises_test

users := [
	["own_mobile_usage_for_users", on_mobile, denied, allowed],
	["free_options_for_users", option_for("user", on_mobile, "activate_option", "free"), denied, allowed],
	["nothing_else_for_users", on_customer_for("user", "unknown"), allowed, denied],
	["users_in_the_app", on_mobile, denied, allowed],
	["users_on_the_web_site", object.union(on_customer, {"channel": "web", "action": "view_bills"}), allowed, denied],
]
