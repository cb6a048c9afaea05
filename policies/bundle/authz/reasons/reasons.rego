# METADATA
# title: Reasons
# description: >-
#   A rule, its reason and its sentence are one thing: a reason is made from the annotation of the rule that gives it,
#   so that nothing is written twice.
package authz.reasons

# METADATA
# title: The reason that a rule gives
# description: Takes the annotation of a rule. The message is by language; the service picks the reader's.
of(annotation) := {
	"code": annotation.custom.code,
	"cites": annotation.custom.cites,
	"message": annotation.custom.message,
}
