# METADATA
# title: The scenarios of the AuthZEN working group
# description: >-
#   Four domains of others, to show that the service knows none of its own. Each package sees its own table in data.yaml
#   alone, and looks subject and resource up by type and id, so what it does not know it does not grant.
# scope: subpackages
# schemas:
#   - input: schema.input
package authz
