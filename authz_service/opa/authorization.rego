# METADATA
# title: What may be asked of OPA
# description: >-
#   OPA asks this of every request before it does anything else, where it is started with `--authorization basic`.
#   The service's one question is answered, and whether OPA is well; nothing can be read, changed, traced or compiled.
package system.authz

default allow := false

allow if {
	input.method == "POST"
	input.path == ["v1", "data", "authz_service", "ask"]
	input.params in [{"strict-builtin-errors": ["true"]}, {"provenance": ["true"]}]
}

allow if {
	input.method == "GET"
	input.path == ["health"]
}
