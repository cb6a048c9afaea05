# METADATA
# title: Todo
# description: The to-do lists of the Smiths and of those they live with.
package authz.todo

import data.authz.todo.resources
import data.authz.todo.subjects

# METADATA
# title: The user
# description: Whom the scenario knows.
user := subjects[input.subject.type][input.subject.id]

# METADATA
# title: Somebody known
# description: The person asked about, named by identifier or by e-mail address.
# scope: document
is_about_a_user if resources[input.resource.type][input.resource.id].email

is_about_a_user if {
	some person in resources[input.resource.type]
	person.email == input.resource.id
}

# METADATA
# title: The list
# description: All to-dos together.
is_about_the_list if {
	input.resource.type == "todo"
	resources.todo[input.resource.id]
}

# METADATA
# title: A to-do
# description: The application alone knows its to-dos, and says whose each is.
is_about_a_todo if input.resource.type == "todo"

# METADATA
# title: Own
# description: The to-do is the user's.
is_own if input.resource.properties.ownerID == user.email

# METADATA
# title: Allowed
# description: Nothing is, but for what follows.
# scope: document
default allow := false

# METADATA
# title: Everybody sees the others
# description: Whoever is known.
allow if {
	user
	is_about_a_user
	input.action.name == "can_read_user"
}

# METADATA
# title: Everybody reads the list
# description: Whoever is known.
allow if {
	user
	is_about_the_list
	input.action.name == "can_read_todos"
}

# METADATA
# title: Administrators and editors add to the list
# description: Who only looks does not.
allow if {
	some role in user.roles
	role in {"admin", "editor"}
	is_about_the_list
	input.action.name == "can_create_todo"
}

# METADATA
# title: An evil genius changes every to-do
# description: Being administrator is not enough.
allow if {
	"evil_genius" in user.roles
	is_about_a_todo
	input.action.name == "can_update_todo"
}

# METADATA
# title: An administrator deletes every to-do
# description: Whosever it is.
allow if {
	"admin" in user.roles
	is_about_a_todo
	input.action.name == "can_delete_todo"
}

# METADATA
# title: An editor changes and deletes own to-dos
# description: Who only looks does not, not even with own ones.
allow if {
	"editor" in user.roles
	is_about_a_todo
	is_own
	input.action.name in {"can_update_todo", "can_delete_todo"}
}
