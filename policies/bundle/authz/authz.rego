# METADATA
# title: Who may do what with a customer number
# description: >-
#   Judges the facts that the service states about one question. The input is closed by schemas/input.json.
# scope: subpackages
# schemas:
#   - input: schema.input
package authz
