package authz.gateway_test

import data.authz.gateway
import data.authz.gateway.subjects

question(id, method, route) := {
	"subject": {"type": "identity", "id": id, "properties": {}},
	"action": {"name": method, "properties": {}},
	"resource": {"type": "route", "id": route, "properties": {}},
	"context": {},
}

may_call(method, route) := {email |
	some id, caller in subjects.identity
	gateway.allow with input as question(id, method, route)
	email := caller.email
}

everybody := {caller.email | some caller in subjects.identity}

changing := {"rick@the-citadel.com", "morty@the-citadel.com", "summer@the-smiths.com"}

test_success_everybody_reads if {
	count(everybody) == 5
	may_call("GET", "/users/{userId}") == everybody
	may_call("GET", "/todos") == everybody
}

test_success_some_change if {
	may_call("POST", "/todos") == changing
	may_call("PUT", "/todos/{todoId}") == changing
	may_call("DELETE", "/todos/{todoId}") == changing
}

test_fail_a_method_that_the_route_does_not_have if {
	may_call("DELETE", "/todos") == set()
	may_call("GET", "/todos/{todoId}") == set()
	may_call("POST", "/nowhere") == set()
}

test_fail_the_same_person_as_another_type if {
	some id, _ in subjects.identity
	asked := question(id, "GET", "/todos")
	not gateway.allow with input as object.union(asked, {"subject": {"type": "user"}})
	not gateway.allow with input as object.union(asked, {"resource": {"type": "todo"}})
}
