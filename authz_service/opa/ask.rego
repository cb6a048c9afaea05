# METADATA
# title: What the service asks
# description: >-
#   Added to every bundle when it is built: asks the policy's one entrypoint for any number of documents, and says
#   under which revision, in one evaluation.
package authz_service

ask := {
	"revision": data.authz_service.build.revision,
	"answers": [answer | some document in input.documents; answer := data.authz.decision.answer with input as document],
}
