# METADATA
# title: The decision
# description: Brings the scenarios together into one answer.
package authz.decision

import data.authz.certification
import data.authz.gateway
import data.authz.search
import data.authz.todo

# METADATA
# title: The answer to one question
# description: Always defined and always of the shape that the service expects, though a scenario says yes or no alone.
# scope: document
# entrypoint: true
answer := {
	"allow": allow,
	"reasons": [reason],
	"route": null,
	"requires": [],
	"effects": [],
}

# METADATA
# title: Allowed
# description: One scenario that allows it is enough, and what none knows is denied.
# scope: document
default allow := false

allow if certification.allow

allow if gateway.allow

allow if search.allow

allow if todo.allow

# METADATA
# title: The reason
# description: Told to nobody; the service wants one.
reason := {
	"code": "scenario",
	"cites": ["AUTHZEN"],
	"message": {"en": "So say the rules of the scenario."},
}
