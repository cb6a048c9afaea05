# METADATA
# title: The promises that many situations break
# description: What `policy check` asks of the promises, for each situation with what the policy says of it.
package promised

rows := [broken | some situation in input.documents; broken := data.promises.broken with input as situation]
