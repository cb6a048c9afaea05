package promises_test

as_administrator := {"role": "administrator"}

on_business := {"customer_kind": "business"}

roles := [
	["every_subscription", object.union(on_internet, as_administrator), denied, allowed],
	["one_role_each", object.union(taking_over, as_administrator), taken_by_mobile, denied],
	["one_residential_administrator", taking_over, joined, taken_by_mobile],
	[
		"no_vacancy", taking_over,
		object.union(taken_by_mobile, {"effects": [
			"current_administrator_becomes_user",
			"current_administrator_gets_letter",
		]}),
		taken_by_mobile,
	],
	[
		"several_business_administrators",
		object.union_n([taking_over, on_business, {"is_current_administrator_informed": false}]),
		denied, joined,
	],
	["nobody_delegates", object.union(on_customer, {"action": "delegate"}), allowed, denied],
	["everyone_sees_the_role", on_customer, denied, allowed],
]
