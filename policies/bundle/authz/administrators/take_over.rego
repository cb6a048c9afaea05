package authz.administrators

import data.authz.reasons

# METADATA
# title: The current administrator has not been told
# description: Whoever takes the role over has told the current administrator of it first.
# custom:
#   code: current_administrator_not_informed
#   cites: [TAKE-1]
#   message:
#     en: Please tell the current administrator first that you are taking over the role.
#     nl: Laat de huidige beheerder eerst weten dat u de rol overneemt.
#     fr: Veuillez d’abord avertir l’administrateur actuel que vous reprenez son rôle.
#     de: Bitte teilen Sie dem jetzigen Administrator zuerst mit, dass Sie die Rolle übernehmen.
obstacles contains reasons.of(rego.metadata.rule()) if {
	input.is_take_over == true
	takes_over
	not is_current_administrator_informed
}

# METADATA
# title: The activation code is missing
# description: By the code route, the activation code and its date have to be brought.
# custom:
#   code: activation_code_not_given
#   cites: [ELIG-1]
#   message:
#     en: The activation code of this customer number and its date are needed.
#     nl: De activeringscode van dit klantnummer en de datum ervan zijn nodig.
#     fr: Le code d’activation de ce numéro de client et sa date sont nécessaires.
#     de: Der Aktivierungscode dieser Kundennummer und dessen Datum werden benötigt.
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_open_to_the_activation_code
	input.given_activation_code == "not_given"
}

# METADATA
# title: The activation code or its date is wrong
# description: By the code route, both the activation code and its date have to be right.
# custom:
#   code: wrong_activation_code
#   cites: [ELIG-1, READ-11]
#   message:
#     en: The activation code or its date is not right.
#     nl: De activeringscode of de datum ervan is niet juist.
#     fr: Le code d’activation ou sa date n’est pas correct.
#     de: Der Aktivierungscode oder dessen Datum ist nicht richtig.
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_open_to_the_activation_code
	input.given_activation_code == "wrong"
}

# METADATA
# title: The activation code has to be brought
# description: By the code route, the take-over needs the activation code and its date.
# custom: {code: activation_code, cites: [ELIG-1]}
requires contains rego.metadata.rule().custom.code if {
	is_only_asked
	may_become_administrator
	route == "activation_code"
}

# METADATA
# title: The current administrator has to be told
# description: If there is a current administrator to take over from, he or she has to be told first.
# custom: {code: inform_current_administrator, cites: [TAKE-1]}
requires contains rego.metadata.rule().custom.code if {
	is_only_asked
	may_become_administrator
	takes_over
}

# METADATA
# title: The web site has to be used
# description: Where it was not said where the person is, the take-over still has to be done on the web site.
# custom: {code: web_site, cites: [TAKE-2]}
requires contains rego.metadata.rule().custom.code if {
	is_only_asked
	may_become_administrator
	not is_on_the_web_site
}

# METADATA
# title: The person becomes administrator
# description: At once. On a business number the person joins the others.
# custom: {code: person_becomes_administrator, cites: [TAKE-4, ROLE-4, READ-4]}
effects contains rego.metadata.rule().custom.code if {
	input.is_take_over == true
	may_become_administrator
}

# METADATA
# title: The current administrator becomes a user
# description: From then on the previous administrator has a user's rights, so that there is one administrator.
# custom: {code: current_administrator_becomes_user, cites: [TAKE-6, ROLE-2, ROLE-3]}
effects contains rego.metadata.rule().custom.code if {
	input.is_take_over == true
	may_become_administrator
	takes_over
}

# METADATA
# title: The current administrator gets an e-mail
# description: A previous administrator is written to about the change.
# custom: {code: current_administrator_gets_letter, cites: [TAKE-5]}
effects contains rego.metadata.rule().custom.code if {
	input.is_take_over == true
	may_become_administrator
	takes_over
}

# METADATA
# title: The activation code is used up
# description: An activation code works once.
# custom: {code: activation_code_is_used, cites: [READ-12]}
effects contains rego.metadata.rule().custom.code if {
	input.is_take_over == true
	may_become_administrator
	route == "activation_code"
}

# METADATA
# title: A wrong activation code counts
# description: >-
#   A wrong code or date counts as long as the code is unused and fewer than five were wrong, whoever tries and whatever
#   else stands against it.
# custom: {code: wrong_activation_code_counts, cites: [READ-11]}
effects contains rego.metadata.rule().custom.code if {
	input.is_take_over == true
	input.activation_code == "unused"
	input.given_activation_code == "wrong"
}

# METADATA
# title: May become administrator
# description: A route is open and nothing stands against it.
# custom: {code: may_become_administrator, cites: [READ-9]}
may_become_administrator if {
	count(grants) > 0
	count(obstacles) == 0
}

# METADATA
# title: Only asked
# description: It is only asked whether the person could become administrator; nothing changes.
# custom: {code: is_only_asked, cites: [TAKE-4]}
is_only_asked if input.is_take_over == false

# METADATA
# title: Takes over from the current administrator
# description: >-
#   On a residential number with an administrator the role is taken over. On a business number a new administrator
#   joins the others and nothing is taken over.
# custom: {code: takes_over, cites: [TAKE-1, ROLE-3, ROLE-4, READ-4]}
takes_over if {
	seeks_the_role
	input.customer_kind == "residential"
	input.has_administrator == true
}

# METADATA
# title: Open to the activation code
# description: The role is to be taken now, and the activation code decides it.
# custom: {code: is_open_to_the_activation_code, cites: [ELIG-1, READ-10]}
is_open_to_the_activation_code if {
	input.is_take_over == true
	seeks_the_role
	has_no_mobile_on_bill
	input.activation_code == "unused"
}

# METADATA
# title: The current administrator has been told
# description: The caller says that the current administrator has been told of the take-over.
# custom: {code: is_current_administrator_informed, cites: [TAKE-1]}
is_current_administrator_informed if input.is_current_administrator_informed == true

# METADATA
# title: On the web site
# description: The person is on the web site, not in the app, and that was said.
# custom: {code: is_on_the_web_site, cites: [TAKE-2]}
is_on_the_web_site if input.channel == "web"
