# METADATA
# description: A rule says what it is, under which code, which facts it rests on, and its reason in every language
package custom.regal.rules.authz["metadata-complete"]

import data.custom.policy
import data.regal.config
import data.regal.result

report contains violation if {
	some rule in policy.described
	lacking := [part | some part in _parts; not _says(rule, part)]
	lacking != []

	violation := _violation(rule, sprintf(_lacks(rule), [concat(", ", lacking)]))
}

report contains violation if {
	some rule in policy.described
	rule.annotations
	_gives_a_reason(rule)

	lacking := [language | some language in _settings.languages; not _sentence(rule, language)]
	lacking != []

	violation := _violation(rule, sprintf(
		"lacks custom.message in %s; a reason is told in %s",
		[concat(", ", lacking), _languages],
	))
}

report contains violation if {
	some rule in policy.described
	unknown := [language | some language, _ in _message(rule); not language in _settings.languages]
	unknown != []

	violation := _violation(rule, sprintf(
		"has custom.message in %s; a reason is told in %s alone",
		[concat(", ", unknown), _languages],
	))
}

# A sentence that was copied instead of written.
report contains violation if {
	some rule in policy.described
	some i, first in _settings.languages
	some second in array.slice(_settings.languages, i + 1, count(_settings.languages))

	_sentence(rule, first) == _sentence(rule, second)

	fault := sprintf("says the same in %s and %s; write a sentence in each", [first, second])
	violation := _violation(rule, fault)
}

_parts := ["title", "description", "custom.code", "custom.cites"]

_lacks(rule) := "lacks %s in its METADATA" if rule.annotations

_lacks(rule) := "has no METADATA; write its %s above it" if not rule.annotations

_violation(rule, fault) := result.fail(
	rego.metadata.chain(),
	result.location_and_description(rule, sprintf("`%s` %s", [policy.name(rule), fault])),
)

_settings := config.for_rule("authz", "metadata-complete")

_languages := concat(", ", _settings.languages)

_says(rule, part) if {
	some annotation in rule.annotations
	annotation[part] != ""
}

_says(rule, "custom.code") if {
	some annotation in rule.annotations
	is_string(annotation.custom.code)
	annotation.custom.code != ""
}

_says(rule, "custom.cites") if {
	some annotation in rule.annotations
	is_array(annotation.custom.cites)
	annotation.custom.cites != []
}

# A function is part of the rules that call it: they say what it rests on.
_says(rule, part) if {
	rule.head.args
	startswith(part, "custom.")
}

_gives_a_reason(rule) if {
	policy.is_element(rule)
	policy.name(rule) in _settings.reasons
}

_gives_a_reason(rule) if {
	some annotation in rule.annotations
	"message" in object.keys(annotation.custom)
}

_message(rule) := [annotation.custom.message |
	some annotation in rule.annotations
	is_object(annotation.custom.message)
][0]

_sentence(rule, language) := sentence if {
	sentence := _message(rule)[language]
	is_string(sentence)
	sentence != ""
}
