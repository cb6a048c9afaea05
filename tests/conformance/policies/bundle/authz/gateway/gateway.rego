# METADATA
# title: API gateway
# description: The routes in front of the to-do lists. Whose a to-do is, the application looks at itself.
package authz.gateway

import data.authz.gateway.resources
import data.authz.gateway.subjects

# METADATA
# title: The caller
# description: Whom the scenario knows.
caller := subjects[input.subject.type][input.subject.id]

# METADATA
# title: There is such a route
# description: The route is known, and has the method.
is_known_route if input.action.name in resources[input.resource.type][input.resource.id]

# METADATA
# title: Who may call a method with something to change
# description: One of these roles is enough.
callers := {
	"POST": {"admin", "editor"},
	"PUT": {"evil_genius", "editor"},
	"DELETE": {"admin", "editor"},
}

# METADATA
# title: Allowed
# description: Nothing is, but for what follows.
# scope: document
default allow := false

# METADATA
# title: Everybody reads
# description: Whoever is known, on every route that is read.
allow if {
	caller
	is_known_route
	input.action.name == "GET"
}

# METADATA
# title: Some change
# description: Whoever has a role that the method is for.
allow if {
	is_known_route
	some role in caller.roles
	role in callers[input.action.name]
}
