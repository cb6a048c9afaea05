# METADATA
# title: The answers to many documents, short
# description: What `policy` commands ask of every situation. Reasons are told by their codes.
package situations

rows := [[answer.allow, {reason.code | some reason in answer.reasons}, answer.route, answer.requires, answer.effects] |
	some document in input.documents
	answer := data.authz.decision.answer with input as document
]
