package custom.regal.rules.authz["metadata-complete_test"]

import data.regal.config

import data.custom.regal.rules.authz["metadata-complete"] as rule

settings := {"authz": {"metadata-complete": {
	"level": "error",
	"reasons": ["grants"],
	"languages": ["en", "nl"],
}}}

# story, rules: row and fault
incomplete := [
	["a function without METADATA", "of(x) := x", {[3, "`of` has no METADATA; write its title, description above it"]}],
	["no METADATA", "is_user if input.role == 1", {[
		3,
		"`is_user` has no METADATA; write its title, description, custom.code, custom.cites above it",
	]}],
	[
		"an element is not described with the first",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1]}
requires contains 1 if input.a

requires contains 2 if input.b`,
		{[10, "`requires` has no METADATA; write its title, description, custom.code, custom.cites above it"]},
	],
	[
		"nothing but a title",
		`
# METADATA
# title: A
is_user if input.role == 1`,
		{[6, "`is_user` lacks description, custom.code, custom.cites in its METADATA"]},
	],
	[
		"of another type or empty",
		`
# METADATA
# title: A
# description: B
# custom: {code: true, cites: []}
is_user if input.role == 1`,
		{[8, "`is_user` lacks custom.code, custom.cites in its METADATA"]},
	],
	[
		"a function without a title",
		`
# METADATA
# description: A
of(x) := x`,
		{[6, "`of` lacks title in its METADATA"]},
	],
	[
		"a reason without a sentence",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1]}
grants contains 1 if input.a`,
		{[8, "`grants` lacks custom.message in en, nl; a reason is told in en, nl"]},
	],
	[
		"a reason without a sentence in one language",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1], message: {en: Yes., nl: ""}}
grants contains 1 if input.a`,
		{[8, "`grants` lacks custom.message in nl; a reason is told in en, nl"]},
	],
	[
		"a message that is no set of sentences",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1], message: Yes.}
answer := 1`,
		{[8, "`answer` lacks custom.message in en, nl; a reason is told in en, nl"]},
	],
	[
		"a language too many",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1], message: {en: Yes., nl: Ja., it: Si.}}
answer := 1`,
		{[8, "`answer` has custom.message in it; a reason is told in en, nl alone"]},
	],
	[
		"a sentence that was copied",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1], message: {en: Yes., nl: Yes.}}
answer := 1`,
		{[8, "`answer` says the same in en and nl; write a sentence in each"]},
	],
]

test_fail[story] if {
	some [story, rules, faults] in incomplete
	module := regal.parse_module("p.rego", sprintf("package p\n\n%s\n", [rules]))
	report := rule.report with input as module with config.rules as settings
	found := {[violation.location.row, violation.description] | some violation in report}
	found == faults
}

test_fail_every_story_is_tried if count(incomplete) == 11

complete := [
	[
		"a rule",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1]}
is_user if input.role == 1`,
	],
	[
		"another definition of a rule that is described",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1]}
is_user if input.role == 1

is_user if input.role == 2`,
	],
	[
		"a default that is described with its rule",
		`
# METADATA
# title: A
# description: B
# scope: document
# custom: {code: a, cites: [A-1]}
default allow := false

allow if input.a`,
	],
	[
		"a function",
		`
# METADATA
# title: A
# description: B
of(x) := x`,
	],
	[
		"a reason in every language",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1], message: {en: Yes., nl: Ja.}}
grants contains 1 if input.a`,
	],
	[
		"a rule that gathers reasons and is none",
		`
# METADATA
# title: A
# description: B
# custom: {code: a, cites: [A-1]}
grants := {1}`,
	],
]

test_success[story] if {
	some [story, rules] in complete
	module := regal.parse_module("p.rego", sprintf("package p\n\n%s\n", [rules]))
	report := rule.report with input as module with config.rules as settings
	report == set()
}

test_success_every_story_is_tried if count(complete) == 6

test_success_a_rule_about_policies if {
	module := regal.parse_module("p.rego", "package custom.p\n\nis_user if input.role == 1\n")
	report := rule.report with input as module with config.rules as settings
	report == set()
}
