# METADATA
# title: Permissions
# description: What the administrator of a customer number and its users may do, on the web site and in the app alike.
package authz.permissions

import data.authz.catalogue
import data.authz.reasons
import data.authz.roles

# METADATA
# title: An administrator sees and manages the bills
# description: The administrator sees and manages the bills or payment statements of all subscriptions.
# custom:
#   code: administrator_bills
#   cites: [ADMIN-1]
#   message:
#     en: >-
#       You are administrator of this customer number, so its bills and payment statements are yours to see and manage.
#     nl: >-
#       U bent beheerder van dit klantnummer, dus u kunt de facturen en betalingsoverzichten ervan bekijken en beheren.
#     fr: >-
#       Vous êtes administrateur de ce numéro de client : vous pouvez en consulter et gérer les factures et les relevés
#       de paiement.
#     de: >-
#       Sie sind Administrator dieser Kundennummer und können deren Rechnungen und Zahlungsübersichten einsehen und
#       verwalten.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "customer"
	input.action in catalogue.bill_actions
}

# METADATA
# title: An administrator sees the usage of every subscription
# description: The administrator sees the usage of all subscriptions that the customer number groups.
# custom:
#   code: administrator_usage
#   cites: [ADMIN-2, ROLE-1]
#   message:
#     en: You are administrator of this customer number, so you may see the usage of each of its subscriptions.
#     nl: U bent beheerder van dit klantnummer, dus u kunt het verbruik van elk abonnement ervan bekijken.
#     fr: >-
#       Vous êtes administrateur de ce numéro de client : vous pouvez consulter la consommation de chacun de ses
#       abonnements.
#     de: Sie sind Administrator dieser Kundennummer und können den Verbrauch jedes zugehörigen Abonnements einsehen.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "subscription"
	input.action == "view_usage"
}

# METADATA
# title: An administrator manages the options of every subscription
# description: The administrator activates free options and deactivates any option, on all subscriptions.
# custom:
#   code: administrator_options
#   cites: [ADMIN-3, ROLE-1, READ-5]
#   message:
#     en: You are administrator of this customer number, so you may manage the options of each of its subscriptions.
#     nl: U bent beheerder van dit klantnummer, dus u kunt de opties van elk abonnement ervan beheren.
#     fr: >-
#       Vous êtes administrateur de ce numéro de client : vous pouvez gérer les options de chacun de ses abonnements.
#     de: Sie sind Administrator dieser Kundennummer und können die Optionen jedes zugehörigen Abonnements verwalten.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "subscription"
	input.action in catalogue.option_actions
	input.option in {"free", "paid"}
}

# METADATA
# title: An administrator activates paid options
# description: Nobody but the administrator activates an option that costs something.
# custom:
#   code: administrator_paid_options
#   cites: [ADMIN-6]
#   message:
#     en: You are administrator of this customer number, so you may activate options that cost money.
#     nl: U bent beheerder van dit klantnummer, dus u kunt betalende opties activeren.
#     fr: "Vous êtes administrateur de ce numéro de client : vous pouvez activer des options payantes."
#     de: Sie sind Administrator dieser Kundennummer und können kostenpflichtige Optionen aktivieren.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "subscription"
	input.action == "activate_option"
	input.option == "paid"
}

# METADATA
# title: An administrator sees and manages the Premium Club points
# description: The Premium Club points of a customer number are for its administrator.
# custom:
#   code: administrator_premium_club_points
#   cites: [ADMIN-4]
#   message:
#     en: You are administrator of this customer number, so its Premium Club points are yours to see and manage.
#     nl: U bent beheerder van dit klantnummer, dus u kunt de Premium Club-punten ervan bekijken en beheren.
#     fr: "Vous êtes administrateur de ce numéro de client : vous pouvez en consulter et gérer les points Premium Club."
#     de: Sie sind Administrator dieser Kundennummer und können deren Premium-Club-Punkte einsehen und verwalten.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "customer"
	input.action in catalogue.premium_club_actions
}

# METADATA
# title: An administrator manages the access to Proximus TV, the Cloud and Foot 11
# description: The access to these services is for the administrator to manage.
# custom:
#   code: administrator_access
#   cites: [ADMIN-5]
#   message:
#     en: You are administrator of this customer number, so you may manage the access to its services.
#     nl: U bent beheerder van dit klantnummer, dus u kunt de toegang tot de diensten ervan beheren.
#     fr: "Vous êtes administrateur de ce numéro de client : vous pouvez gérer l’accès à ses services."
#     de: Sie sind Administrator dieser Kundennummer und können den Zugang zu deren Diensten verwalten.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_administrator
	input.resource == "customer"
	input.action in catalogue.access_actions
}

# METADATA
# title: A user sees the usage of his or her own mobile
# description: The usage of a mobile is for the user who holds it, whoever pays for it and however.
# custom:
#   code: own_mobile_usage
#   cites: [USER-1]
#   message:
#     en: This mobile is your own, so you may see its usage.
#     nl: Dit is uw eigen mobiele nummer, dus u kunt het verbruik ervan bekijken.
#     fr: "Ce numéro de mobile est le vôtre : vous pouvez en consulter la consommation."
#     de: Dies ist Ihre eigene Mobilnummer; Sie können deren Verbrauch einsehen.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	is_own_mobile
	input.action == "view_usage"
}

# METADATA
# title: A user activates free options for his or her own mobile
# description: An option that costs nothing may be activated by the user who holds the mobile.
# custom:
#   code: own_mobile_free_options
#   cites: [USER-2]
#   message:
#     en: This mobile is your own and the option is free, so you may activate it.
#     nl: Dit is uw eigen mobiele nummer en de optie is gratis, dus u kunt ze activeren.
#     fr: "Ce numéro de mobile est le vôtre et l’option est gratuite : vous pouvez l’activer."
#     de: Dies ist Ihre eigene Mobilnummer und die Option ist kostenlos; Sie können sie aktivieren.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	is_own_mobile
	input.action == "activate_option"
	input.option == "free"
}

# METADATA
# title: Everyone linked looks up his or her own role
# description: Administrators and users alike see which role they have.
# custom:
#   code: own_role
#   cites: [ROLE-6]
#   message:
#     en: Everyone linked to a customer number may see which role he or she has on it.
#     nl: Iedereen die aan een klantnummer gekoppeld is, kan zien welke rol hij of zij er heeft.
#     fr: Toute personne liée à un numéro de client peut voir quel rôle elle y a.
#     de: Wer mit einer Kundennummer verbunden ist, kann seine Rolle darauf einsehen.
grants contains reasons.of(rego.metadata.rule()) if {
	roles.is_linked
	input.resource == "customer"
	input.action == "view_role"
}

# METADATA
# title: Own mobile
# description: A mobile of this customer number whose holder is the person, whoever pays for it and however.
# custom: {code: is_own_mobile, cites: [READ-6]}
is_own_mobile if {
	input.subscription_kind == "mobile"
	input.is_holder == true
}
