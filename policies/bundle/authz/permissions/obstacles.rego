package authz.permissions

import data.authz.catalogue
import data.authz.reasons
import data.authz.roles

# METADATA
# title: The person is unknown
# description: Nothing is granted to a subject that is no person in the customer data.
# custom:
#   code: unknown_subject
#   cites: [READ-9]
#   message:
#     en: We do not know this person.
#     nl: Wij kennen deze persoon niet.
#     fr: Nous ne connaissons pas cette personne.
#     de: Diese Person ist uns nicht bekannt.
obstacles contains reasons.of(rego.metadata.rule()) if not is_known_person

# METADATA
# title: The resource is unknown
# description: Nothing is granted on a customer number or subscription that is not in the customer data.
# custom:
#   code: unknown_resource
#   cites: [READ-9]
#   message:
#     en: We do not know this customer number or subscription.
#     nl: Wij kennen dit klantnummer of abonnement niet.
#     fr: Nous ne connaissons pas ce numéro de client ou cet abonnement.
#     de: Diese Kundennummer oder dieses Abonnement ist uns nicht bekannt.
obstacles contains reasons.of(rego.metadata.rule()) if not is_known_resource

# METADATA
# title: The action is unknown
# description: Nothing is granted for an action that is not in the catalogue.
# custom:
#   code: unknown_action
#   cites: [READ-9]
#   message:
#     en: We do not know this action.
#     nl: Wij kennen deze handeling niet.
#     fr: Nous ne connaissons pas cette action.
#     de: Diese Aktion ist uns nicht bekannt.
obstacles contains reasons.of(rego.metadata.rule()) if not is_known_action

# METADATA
# title: A role cannot be delegated
# description: No part of a role goes to anyone else, whoever asks.
# custom:
#   code: no_delegation
#   cites: [ROLE-5]
#   message:
#     en: A role on a customer number is personal. No part of it can be passed on to anyone.
#     nl: Een rol op een klantnummer is persoonlijk. U kunt er geen enkel deel van aan iemand anders overdragen.
#     fr: Un rôle sur un numéro de client est personnel. Aucune partie ne peut en être cédée à quelqu’un d’autre.
#     de: Eine Rolle auf einer Kundennummer ist persönlich. Kein Teil davon kann an andere übertragen werden.
obstacles contains reasons.of(rego.metadata.rule()) if {
	input.resource == "customer"
	input.action == "delegate"
}

# METADATA
# title: Who is not linked may do nothing
# description: A person without a role on the customer number may do nothing with it but become its administrator.
# custom:
#   code: not_linked
#   cites: [READ-7]
#   message:
#     en: You are not linked to this customer number.
#     nl: U bent niet aan dit klantnummer gekoppeld.
#     fr: Vous n’êtes pas lié à ce numéro de client.
#     de: Sie sind nicht mit dieser Kundennummer verbunden.
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_known_person
	is_known_resource
	not roles.is_linked
	not asks_to_become_administrator
}

# METADATA
# title: A user leaves the customer number to its administrator
# description: Bills, payment statements, Premium Club points and the access to services are not for users.
# custom:
#   code: administrator_only
#   cites: [USER-3]
#   message:
#     en: You are a user of this customer number; this is for its administrator.
#     nl: U bent gebruiker van dit klantnummer; dit is voorbehouden aan de beheerder.
#     fr: Vous êtes utilisateur de ce numéro de client ; ceci est réservé à son administrateur.
#     de: Sie sind Benutzer dieser Kundennummer; dies ist deren Administrator vorbehalten.
obstacles contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	input.resource == "customer"
	input.action in catalogue.administrator_actions
}

# METADATA
# title: A user sees and changes his or her own mobile only
# description: The usage and options of any other subscription are not for users.
# custom:
#   code: not_own_mobile
#   cites: [USER-1, USER-2, USER-3]
#   message:
#     en: You are a user of this customer number, and this subscription is not your own mobile.
#     nl: U bent gebruiker van dit klantnummer, en dit abonnement is niet uw eigen mobiele nummer.
#     fr: Vous êtes utilisateur de ce numéro de client, et cet abonnement n’est pas votre propre numéro de mobile.
#     de: Sie sind Benutzer dieser Kundennummer, und dieses Abonnement ist nicht Ihre eigene Mobilnummer.
obstacles contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	input.resource == "subscription"
	input.action in catalogue.actions.subscription
	not is_own_mobile
}

# METADATA
# title: A user activates no paid option
# description: What costs money is for the administrator, also on the user's own mobile.
# custom:
#   code: paid_option
#   cites: [USER-2, USER-3, ADMIN-6]
#   message:
#     en: This option costs money; activating it is for the administrator of the customer number.
#     nl: Deze optie is betalend; activeren kan alleen de beheerder van het klantnummer.
#     fr: Cette option est payante ; seul l’administrateur du numéro de client peut l’activer.
#     de: Diese Option ist kostenpflichtig; nur der Administrator der Kundennummer kann sie aktivieren.
obstacles contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	input.action == "activate_option"
	input.option == "paid"
}

# METADATA
# title: A user deactivates no option
# description: Deactivating an option is part of managing options, free or paid, also on the user's own mobile.
# custom:
#   code: deactivation
#   cites: [READ-5, USER-3]
#   message:
#     en: Deactivating an option is for the administrator of the customer number.
#     nl: Een optie deactiveren kan alleen de beheerder van het klantnummer.
#     fr: Seul l’administrateur du numéro de client peut désactiver une option.
#     de: Nur der Administrator der Kundennummer kann eine Option deaktivieren.
obstacles contains reasons.of(rego.metadata.rule()) if {
	roles.is_user
	input.resource == "subscription"
	input.action == "deactivate_option"
}

# METADATA
# title: No option is named
# description: Activating or deactivating needs an option.
# custom:
#   code: option_not_given
#   cites: [READ-9]
#   message:
#     en: No option was named.
#     nl: Er is geen optie opgegeven.
#     fr: Aucune option n’a été indiquée.
#     de: Es wurde keine Option angegeben.
obstacles contains reasons.of(rego.metadata.rule()) if input.option == "not_given"

# METADATA
# title: The option is unknown
# description: Nothing is granted for an option that does not exist.
# custom:
#   code: unknown_option
#   cites: [READ-9]
#   message:
#     en: We do not know this option.
#     nl: Wij kennen deze optie niet.
#     fr: Nous ne connaissons pas cette option.
#     de: Diese Option ist uns nicht bekannt.
obstacles contains reasons.of(rego.metadata.rule()) if input.option == "unknown"

# METADATA
# title: The option is for another kind of subscription
# description: An option can be managed only on the kind of subscription that it is made for.
# custom:
#   code: option_for_another_kind
#   cites: [READ-9]
#   message:
#     en: This option is not made for this kind of subscription.
#     nl: Deze optie is niet bedoeld voor dit soort abonnement.
#     fr: Cette option n’est pas prévue pour ce type d’abonnement.
#     de: Diese Option ist für diese Art von Abonnement nicht vorgesehen.
obstacles contains reasons.of(rego.metadata.rule()) if input.option == "for_another_kind"

# METADATA
# title: Known person
# description: The subject is a person in the customer data.
# custom: {code: is_known_person, cites: [READ-9]}
is_known_person if input.is_known_person == true

# METADATA
# title: Known resource
# description: The customer number or subscription is in the customer data.
# custom: {code: is_known_resource, cites: [READ-9]}
is_known_resource if input.resource in object.keys(catalogue.actions)

# METADATA
# title: Known action
# description: The action is in the catalogue, for whichever type of resource.
# custom: {code: is_known_action, cites: [READ-9]}
is_known_action if {
	some actions in catalogue.actions
	input.action in actions
}

# METADATA
# title: Asks to become administrator
# description: The one thing that a person who is not linked may do with a customer number.
# custom: {code: asks_to_become_administrator, cites: [READ-7]}
asks_to_become_administrator if {
	input.resource == "customer"
	input.action == "become_administrator"
}
