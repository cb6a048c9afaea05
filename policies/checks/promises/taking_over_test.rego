package promises_test

unspecified := {"channel": "unspecified"}

taking_over_rows := [
	["told_first", object.union(taking_over, {"is_current_administrator_informed": false}), taken_by_mobile, denied],
	["telling_is_asked_for", asked, object.union(may_by_mobile, {"requires": []}), may_by_mobile],
	["never_in_the_app", object.union(taking_over, {"channel": "app"}), taken_by_mobile, denied],
	[
		"the_web_site_is_asked_for", object.union(asked, unspecified), may_by_mobile,
		object.union(may_by_mobile, {"requires": ["inform_current_administrator", "web_site"]}),
	],
	["of_a_customer_number", object.union(on_internet, {"action": "become_administrator"}), allowed, denied],
	["at_once", taking_over, object.union(taken_by_mobile, {"effects": []}), taken_by_mobile],
	["only_by_a_take_over", asked, taken_by_mobile, may_by_mobile],
	["a_question_changes_nothing", asked, taken_by_mobile, may_by_mobile],
	["nothing_left_to_bring", taking_over, object.union(taken_by_mobile, {"requires": ["web_site"]}), taken_by_mobile],
	[
		"the_previous_administrator_is_written_to", taking_over,
		object.union(taken_by_mobile, {"effects": [
			"current_administrator_becomes_user",
			"person_becomes_administrator",
		]}),
		taken_by_mobile,
	],
	[
		"nobody_else_is_written_to", object.union(taking_over, {"has_administrator": false}),
		object.union(taken_by_mobile, {"effects": [
			"current_administrator_gets_letter",
			"person_becomes_administrator",
		]}),
		joined,
	],
	["the_previous_administrator_becomes_user", taking_over, joined, taken_by_mobile],
	["nobody_else_becomes_user", object.union(taking_over, on_business), taken_by_mobile, joined],
]
