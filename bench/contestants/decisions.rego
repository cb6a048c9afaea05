# METADATA
# description: Many decisions in one evaluation, without their reasons.
package bench

decisions := [allow | some document in input.documents; allow := data.authz.decision.allow with input as document]
