# METADATA
# description: A rule rests on facts and readings that exist
package custom.regal.rules.authz["cites-exist"]

import data.custom.policy
import data.regal.config
import data.regal.result

report contains violation if {
	known := config.for_rule("authz", "cites-exist").known

	some rule in policy.described
	some annotation in rule.annotations
	some id in annotation.custom.cites

	not id in known

	violation := result.fail(rego.metadata.chain(), result.location_and_description(
		rule,
		sprintf(
			"`%s` cites %v, which requirements.yaml does not have; add it there, or cite another",
			[policy.name(rule), id],
		),
	))
}
