# METADATA
# title: Certification
# description: The records of the certification scenario, where what a request says of an entity goes before what is kept.
package authz.certification

import data.authz.certification.resources
import data.authz.certification.subjects

# METADATA
# title: The subject
# description: What is kept of it, overlaid with what the request says.
subject := object.union(kept, input.subject.properties) if {
	kept := subjects[input.subject.type][input.subject.id]
}

# METADATA
# title: The record
# description: What is kept of it, overlaid with what the request says.
record := object.union(kept, input.resource.properties) if {
	kept := resources[input.resource.type][input.resource.id]
}

# METADATA
# title: Known
# description: The scenario has both the subject and the record.
is_known if {
	subject
	record
}

# METADATA
# title: Archived
# description: The record is no longer in use.
is_archived if record.status == "archived"

# METADATA
# title: Allowed
# description: Nothing is, but for what follows.
# scope: document
default allow := false

# METADATA
# title: Everybody reads
# description: Whoever is known reads every record.
allow if {
	is_known
	input.action.name == "read"
}

# METADATA
# title: Alice writes
# description: Alice, and not even the administrator, writes what is in use.
allow if {
	is_known
	input.action.name == "write"
	input.subject.id == "alice"
	not is_archived
}

# METADATA
# title: The administrator writes what is archived
# description: Whoever is administrator, be it by the request alone.
allow if {
	is_known
	input.action.name == "write"
	subject.role == "admin"
	is_archived
}

# METADATA
# title: Alice deletes softly
# description: Only with soft given, and true.
allow if {
	is_known
	input.action.name == "delete"
	input.subject.id == "alice"
	input.action.properties.soft == true
}
