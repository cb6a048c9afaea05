# METADATA
# description: What makes a rule of a policy one rule, and how it is named
package custom.policy

import data.regal.ast

# METADATA
# description: >-
#   The rules of a file that need a description of their own. An element of a set is a rule by itself; other definitions
#   of one name are one rule, described with the first, or each differently.
described contains rule if {
	not _is_about_policies

	some i, rule in input.rules
	not _is_described_before(i, rule)
}

# Such as this file.
_is_about_policies if input.package.path[1].value == "custom"

_is_described_before(i, rule) if {
	not is_element(rule)
	own := object.get(rule, "annotations", [])

	some earlier in array.slice(input.rules, 0, i)
	name(earlier) == name(rule)
	own in {[], object.get(earlier, "annotations", [])}
}

# METADATA
# description: The name of a rule, as far as it does not vary
name(rule) := ast.ref_static_to_string(rule.head.ref)

# METADATA
# description: Whether a rule adds an element to a set
is_element(rule) if {
	rule.head.key
	not rule.head.value
}
