# METADATA
# title: The decision
# description: Brings the rules together into one answer.
package authz.decision

import data.authz.administrators
import data.authz.permissions
import data.authz.reasons

# METADATA
# title: The answer to one question
# description: >-
#   Always defined and always of this shape. On a permit the reasons are the rules that grant it, on a denial what
#   stands against it.
# scope: document
# entrypoint: true
# custom: {code: answer, cites: [READ-9]}
answer := {
	"allow": allow,
	"reasons": grounds,
	"route": route,
	"requires": administrators.requires,
	"effects": administrators.effects,
}

# METADATA
# title: Allowed
# description: A grant is needed to allow, and an obstacle overrules it.
# scope: document
# custom: {code: allow, cites: [READ-9]}
default allow := false

allow if {
	count(grants) > 0
	count(obstacles) == 0
}

# METADATA
# title: Everything that grants
# description: The grants of all packages.
# custom: {code: grants, cites: [READ-9]}
grants := permissions.grants | administrators.grants

# METADATA
# title: Everything that stands against it
# description: The obstacles of all packages.
# custom: {code: obstacles, cites: [READ-9]}
obstacles := permissions.obstacles | administrators.obstacles

# METADATA
# title: The reasons of the answer
# description: >-
#   What grants on a permit, what stands against it on a denial, and if neither is there, that silence is a no.
# scope: document
# custom: {code: grounds, cites: [READ-9]}
grounds := grants if allow

grounds := obstacles if count(obstacles) > 0

grounds := {nothing_grants} if count(grants | obstacles) == 0

# METADATA
# title: No rule grants it
# description: What no rule grants is denied, such as an action on a type of resource that does not have it.
# custom:
#   code: nothing_grants
#   cites: [READ-9]
#   message:
#     en: This cannot be done here.
#     nl: Dit kan hier niet.
#     fr: Cela n’est pas possible ici.
#     de: Das ist hier nicht möglich.
nothing_grants := reasons.of(rego.metadata.rule())

# METADATA
# title: The route of the answer
# description: By which route the person may become administrator; null for anything else.
# scope: document
# custom: {code: route_of_the_answer, cites: [READ-10]}
default route := null

route := administrators.route if {
	allow
	administrators.may_become_administrator
}
