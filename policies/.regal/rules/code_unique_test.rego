package custom.regal.rules.authz["code-unique_test"]

import data.custom.regal.rules.authz["code-unique"] as rule

described(code, head) := sprintf("# METADATA\n# title: A\n# custom: {code: %s}\n%s\n", [code, head])

policy(file, rules) := regal.parse_module(file, sprintf("package p\n\n%s", [concat("\n", rules)]))

test_fail_two_rules_of_one_file if {
	rules := [described("a", "b if input.b"), described("a", "c if input.c")]
	entries := rule.aggregate with input as policy("p.rego", rules)
	report := rule.aggregate_report with input.aggregate as entries
	found := {[violation.location.file, violation.location.row, violation.description] | some violation in report}
	found == {[
		"p.rego", 11,
		"the code `a` is that of the rule at p.rego:6 already; a code belongs to one rule, for ever",
	]}
}

test_fail_two_elements_of_one_set if {
	rules := [described("a", "grants contains 1 if input.b"), described("a", "grants contains 2 if input.c")]
	entries := rule.aggregate with input as policy("p.rego", rules)
	report := rule.aggregate_report with input.aggregate as entries
	[violation.location.row | some violation in report] == [11]
}

test_fail_two_files if {
	rules := [described("a", "b if input.b")]
	later := rule.aggregate with input as policy("q.rego", rules)
	earlier := rule.aggregate with input as policy("p.rego", rules)
	report := rule.aggregate_report with input.aggregate as later | earlier
	[violation.location.file | some violation in report] == ["q.rego"]
}

test_success_two_codes if {
	rules := [described("a", "b if input.b"), described("c", "c if input.c")]
	entries := rule.aggregate with input as policy("p.rego", rules)
	report := rule.aggregate_report with input.aggregate as entries
	report == set()
	count(entries) == 2
}

test_success_two_definitions_of_one_rule if {
	rules := [described("a", "b if input.b"), described("a", "b if input.c")]
	entries := rule.aggregate with input as policy("p.rego", rules)
	report := rule.aggregate_report with input.aggregate as entries
	report == set()
}
