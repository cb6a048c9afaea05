package custom.regal.rules.authz["cites-exist_test"]

import data.regal.config

import data.custom.regal.rules.authz["cites-exist"] as rule

cites(facts) := regal.parse_module("p.rego", sprintf("package p\n\n# METADATA\n# custom: {cites: %s}\na := 1", [facts]))

knows(ids) := {"authz": {"cites-exist": {"level": "error", "known": ids}}}

test_fail_a_fact_that_does_not_exist if {
	report := rule.report with input as cites("[ROLE-1, ROLE-9]") with config.rules as knows(["ROLE-1"])
	found := {[violation.location.row, violation.description] | some violation in report}
	found == {[5, "`a` cites ROLE-9, which requirements.yaml does not have; add it there, or cite another"]}
}

test_fail_what_is_no_id if {
	report := rule.report with input as cites("[1]") with config.rules as knows(["ROLE-1"])
	count(report) == 1
}

test_success_facts_that_exist if {
	report := rule.report with input as cites("[ROLE-1]") with config.rules as knows(["ROLE-1", "ROLE-2"])
	report == set()
}

test_success_where_no_facts_are_known if {
	report := rule.report with input as cites("[ROLE-1]") with config.rules as {"authz": {}}
	report == set()
}
