# METADATA
# description: A code belongs to one rule
package custom.regal.rules.authz["code-unique"]

import data.custom.policy
import data.regal.result

aggregate contains entry if {
	some rule in policy.described
	some annotation in rule.annotations

	entry := result.aggregate(rego.metadata.chain(), {
		"code": annotation.custom.code,
		"owner": _owner(rule),
		"location": result.location(rule).location,
	})
}

# METADATA
# schemas:
#   - input: schema.regal.aggregate
aggregate_report contains violation if {
	some entry in input.aggregate
	others := {_place(other) |
		some other in input.aggregate
		other.aggregate_data.code == entry.aggregate_data.code
		_whose(other) != _whose(entry)
	}

	# Said where it is used again, not where it is used first.
	min(others) < _place(entry)

	violation := result.fail(rego.metadata.chain(), {
		"location": entry.aggregate_data.location,
		"description": sprintf(
			"the code `%s` is that of the rule at %s:%d already; a code belongs to one rule, for ever",
			[entry.aggregate_data.code, min(others)[0], min(others)[1]],
		),
	})
}

_owner(rule) := policy.name(rule) if not policy.is_element(rule)

# Elements of one set are rules by themselves.
_owner(rule) := rule.location if policy.is_element(rule)

_whose(entry) := [entry.aggregate_data.location.file, entry.aggregate_data.owner]

_place(entry) := [entry.aggregate_data.location.file, entry.aggregate_data.location.row]
