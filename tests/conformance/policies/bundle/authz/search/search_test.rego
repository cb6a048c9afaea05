package authz.search_test

import data.authz.search

question(user, action, record) := {
	"subject": {"type": "user", "id": user, "properties": {}},
	"action": {"name": action, "properties": {}},
	"resource": {"type": "record", "id": record, "properties": {}},
	"context": {},
}

may(user, record) := {action |
	some action in ["view", "edit", "delete", "read"]
	search.allow with input as question(user, action, record)
}

test_success_an_owner_does_everything if may("felix", "112") == {"view", "edit", "delete"}

test_success_a_department_views_its_records if may("felix", "104") == {"view"}

test_success_a_manager_views_every_record if may("dan", "101") == {"view"}

test_success_a_manager_edits_the_records_of_the_department if {
	may("alice", "110") == {"view", "edit"}
	may("dan", "115") == {"view", "edit"}
}

test_fail_what_is_anothers if may("bob", "107") == set()

test_fail_who_or_what_is_not_known if {
	may("grace", "101") == set()
	may("alice", "record-1") == set()
	asked := question("alice", "view", "101")
	not search.allow with input as object.union(asked, {"subject": {"type": "identity"}})
	not search.allow with input as object.union(asked, {"resource": {"type": "todo"}})
}
