# METADATA
# title: Search
# description: The records of six employees. The scenario for identity providers asks about them, too.
package authz.search

import data.authz.search.resources
import data.authz.search.subjects

# METADATA
# title: The user
# description: Whom the scenario knows.
user := subjects[input.subject.type][input.subject.id]

# METADATA
# title: The record
# description: What the scenario knows.
record := resources[input.resource.type][input.resource.id]

# METADATA
# title: Own
# description: The record is the user's.
is_own if {
	user
	record.owner == input.subject.id
}

# METADATA
# title: Of the own department
# description: The user and the record are of the same.
is_of_own_department if record.department == user.department

# METADATA
# title: Manager
# description: The user is one, of whichever department.
is_manager if user.role == "manager"

# METADATA
# title: Allowed
# description: Nothing is, but for what follows.
# scope: document
default allow := false

# METADATA
# title: Owners view, edit and delete
# description: Everything with an own record.
allow if {
	is_own
	input.action.name in {"view", "edit", "delete"}
}

# METADATA
# title: A department views its records
# description: Everybody who is of it.
allow if {
	is_of_own_department
	input.action.name == "view"
}

# METADATA
# title: Managers view every record
# description: Of whichever department.
allow if {
	is_manager
	record
	input.action.name == "view"
}

# METADATA
# title: Managers edit the records of their department
# description: They do not delete them.
allow if {
	is_manager
	is_of_own_department
	input.action.name == "edit"
}
