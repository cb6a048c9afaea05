package authz.todo_test

import data.authz.todo
import data.authz.todo.subjects

rick := "rick@the-citadel.com"

morty := "morty@the-citadel.com"

beth := "beth@the-smiths.com"

everybody := {user.email | some user in subjects.user}

question(email, action, resource, properties) := {
	"subject": {"type": "user", "id": id, "properties": {}},
	"action": {"name": action, "properties": {}},
	"resource": {"type": resource[0], "id": resource[1], "properties": properties},
	"context": {},
} if {
	some id, user in subjects.user
	user.email == email
}

about_user(email, other) := question(email, "can_read_user", ["user", other], {})

about_list(email, action) := question(email, action, ["todo", "todo-1"], {})

about_todo(email, action, owner) := question(email, action, ["todo", "7240d0db"], {"ownerID": owner})

test_success_everybody_sees_the_others_and_the_list if {
	count(everybody) == 5
	every email in everybody {
		todo.allow with input as about_user(email, beth)
		todo.allow with input as about_list(email, "can_read_todos")
	}
	every id, _ in subjects.user {
		todo.allow with input as about_user(beth, id)
	}
}

test_success_administrators_and_editors_add_to_the_list if {
	may := {email | some email in everybody; todo.allow with input as about_list(email, "can_create_todo")}
	may == {rick, morty, "summer@the-smiths.com"}
}

test_success_the_evil_genius_changes_and_deletes_what_is_anothers if {
	every action in ["can_update_todo", "can_delete_todo"] {
		may := {email | some email in everybody; todo.allow with input as about_todo(email, action, "nobody@example.org")}
		may == {rick}
	}
}

test_success_an_administrator_alone_deletes_and_does_not_change if {
	administrator := {"user": {"one": {"email": "one@example.org", "roles": ["admin"]}}}
	asked := object.union(about_todo(beth, "can_update_todo", beth), {"subject": {"id": "one"}})
	deleting := object.union(asked, {"action": {"name": "can_delete_todo"}})
	not todo.allow with input as asked with data.authz.todo.subjects as administrator
	todo.allow with input as deleting with data.authz.todo.subjects as administrator
}

test_success_an_editor_changes_and_deletes_own_ones if {
	every action in ["can_update_todo", "can_delete_todo"] {
		todo.allow with input as about_todo(morty, action, morty)
		not todo.allow with input as about_todo(beth, action, beth)
	}
}

test_fail_who_or_what_is_not_known if {
	asked := about_list(rick, "can_read_todos")
	not todo.allow with input as object.union(asked, {"subject": {"id": "alice"}})
	not todo.allow with input as object.union(asked, {"subject": {"type": "identity"}})
	not todo.allow with input as object.union(asked, {"resource": {"type": "list"}})
	not todo.allow with input as object.union(asked, {"action": {"name": "can_do_it"}})
	not todo.allow with input as about_user(rick, "nobody@example.org")
}
