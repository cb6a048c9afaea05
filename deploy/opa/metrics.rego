# What Prometheus may ask of a sidecar, beside authorization.rego, of which OPA is asked on every address: numbers, and
# nothing of what it has been asked or given.
package system.authz

allow if {
	input.method == "GET"
	input.path == ["metrics"]
}
