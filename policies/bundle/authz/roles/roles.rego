# METADATA
# title: Roles
# description: Who the person is on the customer number asked about, and on no other.
package authz.roles

# METADATA
# title: Administrator
# description: The person is administrator of this customer number.
# custom: {code: is_administrator, cites: [ROLE-2, READ-8]}
is_administrator if input.role == "administrator"

# METADATA
# title: User
# description: The person is a user of this customer number.
# custom: {code: is_user, cites: [ROLE-2, READ-8]}
is_user if input.role == "user"

# METADATA
# title: Linked
# description: The person has a role on this customer number, whichever it is.
# custom: {code: is_linked, cites: [ROLE-2]}
is_linked if input.role in {"administrator", "user"}
