package authz.certification_test

import data.authz.certification

question(user, action, record) := {
	"subject": {"type": "user", "id": user, "properties": {}},
	"action": {"name": action, "properties": {}},
	"resource": {"type": "record", "id": record, "properties": {}},
	"context": {},
}

with_properties(asked, part, properties) := object.union(asked, {part: {"properties": properties}})

test_success_everybody_reads if {
	every user in ["alice", "bob"] {
		every record in ["record-1", "record-2"] {
			certification.allow with input as question(user, "read", record)
		}
	}
}

test_success_alice_writes_what_is_in_use if {
	certification.allow with input as question("alice", "write", "record-1")
	not certification.allow with input as question("alice", "write", "record-2")
}

test_success_the_administrator_writes_what_is_archived if {
	certification.allow with input as question("bob", "write", "record-2")
	not certification.allow with input as question("bob", "write", "record-1")
}

test_success_the_request_goes_before_what_is_kept if {
	archived := with_properties(question("alice", "write", "record-1"), "resource", {"status": "archived"})
	not certification.allow with input as archived
	certification.allow with input as with_properties(archived, "subject", {"role": "admin"})
}

test_success_alice_deletes_softly if {
	asked := question("alice", "delete", "record-1")
	certification.allow with input as with_properties(asked, "action", {"soft": true})
	not certification.allow with input as with_properties(asked, "action", {"soft": false})
	not certification.allow with input as asked
}

test_fail_bob_does_not_delete if {
	asked := with_properties(question("bob", "delete", "record-1"), "action", {"soft": true})
	not certification.allow with input as asked
}

test_fail_who_or_what_is_not_known if {
	not certification.allow with input as question("carol", "read", "record-1")
	not certification.allow with input as question("alice", "read", "101")
	not certification.allow with input as question("alice", "view", "record-1")
}
