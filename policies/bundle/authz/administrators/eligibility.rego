# METADATA
# title: Becoming administrator
# description: Who may become administrator of a customer number, by which route, with what, and what follows.
package authz.administrators

import data.authz.reasons
import data.authz.roles

# METADATA
# title: Eligible by a mobile number
# description: >-
#   With mobile numbers on the bill, a person who holds one of them is eligible when the customer pays for it. One that
#   qualifies is enough.
# custom:
#   code: eligible_by_mobile_number
#   cites: [ELIG-2, READ-2, READ-10]
#   message:
#     en: A mobile number of your own is on this bill, so you may become administrator.
#     nl: Op deze factuur staat een mobiel nummer van uzelf, dus u kunt beheerder worden.
#     fr: "Un numéro de mobile à vous figure sur cette facture : vous pouvez devenir administrateur."
#     de: Auf dieser Rechnung steht eine Mobilnummer von Ihnen; Sie können Administrator werden.
grants contains reasons.of(rego.metadata.rule()) if {
	seeks_the_role
	holds_qualifying_mobile
}

# METADATA
# title: Eligible by the activation code
# description: Without a mobile number on the bill, whoever has the customer number, the activation code and its date.
# custom:
#   code: eligible_by_activation_code
#   cites: [ELIG-1, READ-10]
#   message:
#     en: No mobile number is on this bill, so you may become administrator with the activation code and its date.
#     nl: >-
#       Op deze factuur staat geen mobiel nummer, dus u kunt beheerder worden met de activeringscode en de datum ervan.
#     fr: >-
#       Aucun numéro de mobile ne figure sur cette facture : vous pouvez devenir administrateur avec le code
#       d’activation et sa date.
#     de: >-
#       Auf dieser Rechnung steht keine Mobilnummer; Sie können mit dem Aktivierungscode und dessen Datum Administrator
#       werden.
grants contains reasons.of(rego.metadata.rule()) if {
	seeks_the_role
	has_no_mobile_on_bill
	input.activation_code == "unused"
}

# METADATA
# title: Becoming administrator needs a customer number
# description: The customer number has to be given, and has to exist.
# custom:
#   code: customer_number_needed
#   cites: [TAKE-3]
#   message:
#     en: To become administrator, an existing customer number has to be given.
#     nl: Om beheerder te worden, moet u een bestaand klantnummer opgeven.
#     fr: Pour devenir administrateur, il faut indiquer un numéro de client existant.
#     de: Um Administrator zu werden, ist eine bestehende Kundennummer anzugeben.
obstacles contains reasons.of(rego.metadata.rule()) if {
	input.action == "become_administrator"
	not names_a_customer_number
}

# METADATA
# title: Already administrator
# description: Whoever is administrator of the customer number cannot become it again.
# custom:
#   code: already_administrator
#   cites: [READ-3]
#   message:
#     en: You are administrator of this customer number already.
#     nl: U bent al beheerder van dit klantnummer.
#     fr: Vous êtes déjà administrateur de ce numéro de client.
#     de: Sie sind bereits Administrator dieser Kundennummer.
obstacles contains reasons.of(rego.metadata.rule()) if {
	asks_about_the_role
	roles.is_administrator
}

# METADATA
# title: Not in the app
# description: Becoming administrator is done on the web site; the app does not offer it.
# custom:
#   code: not_in_the_app
#   cites: [TAKE-2]
#   message:
#     en: You can become administrator on the web site only, not in the app.
#     nl: Beheerder worden kan alleen op de website, niet in de app.
#     fr: Vous ne pouvez devenir administrateur que sur le site web, pas dans l’application.
#     de: Administrator werden Sie nur auf der Website, nicht in der App.
obstacles contains reasons.of(rego.metadata.rule()) if {
	asks_about_the_role
	input.channel == "app"
}

# METADATA
# title: No mobile number of one's own on the bill
# description: With mobile numbers on the bill, somebody who has none there is not eligible.
# custom:
#   code: no_own_mobile_on_bill
#   cites: [ELIG-2, READ-10]
#   message:
#     en: There are mobile numbers on this bill, and none of them is your own.
#     nl: Op deze factuur staan mobiele nummers, maar geen enkel daarvan is van u.
#     fr: Des numéros de mobile figurent sur cette facture, mais aucun n’est le vôtre.
#     de: Auf dieser Rechnung stehen Mobilnummern, doch keine davon ist Ihre eigene.
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_refused_by_mobile_number
	not holds_other_mobile
}

# METADATA
# title: The own mobile is a Pay&Go prepaid card
# description: A prepaid card is never on the bill, so it does not make its holder eligible.
# custom:
#   code: own_mobile_on_pay_and_go
#   cites: [ELIG-3, READ-1]
#   message:
#     en: Your mobile number is a Pay&Go prepaid card, which does not make you eligible.
#     nl: "Uw mobiele nummer is een Pay&Go-kaart; daarmee kunt u geen beheerder worden."
#     fr: "Votre numéro de mobile est une carte prépayée Pay&Go, qui ne permet pas de devenir administrateur."
#     de: "Ihre Mobilnummer ist eine Pay&Go-Prepaidkarte; damit können Sie nicht Administrator werden."
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_refused_by_mobile_number
	input.mobiles_on_pay_and_go == "own"
}

# METADATA
# title: An employer pays for the own mobile
# description: A mobile subscription that the person's employer pays does not make its holder eligible.
# custom:
#   code: own_mobile_paid_by_employer
#   cites: [ELIG-4]
#   message:
#     en: Your employer pays for your mobile subscription, which does not make you eligible.
#     nl: Uw werkgever betaalt uw mobiele abonnement; daarmee kunt u geen beheerder worden.
#     fr: Votre employeur paie votre abonnement mobile, qui ne permet donc pas de devenir administrateur.
#     de: Ihr Arbeitgeber bezahlt Ihr Mobilabonnement; damit können Sie nicht Administrator werden.
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_refused_by_mobile_number
	input.mobiles_paid_by_employer == "own"
}

# METADATA
# title: The own number is from another provider
# description: A number from another provider is never on the bill, so it does not make the person eligible.
# custom:
#   code: number_of_another_provider
#   cites: [ELIG-5, READ-1]
#   message:
#     en: Your mobile number is from another provider, which does not make you eligible.
#     nl: Uw mobiele nummer is van een andere aanbieder; daarmee kunt u geen beheerder worden.
#     fr: Votre numéro de mobile est d’un autre opérateur, ce qui ne permet pas de devenir administrateur.
#     de: Ihre Mobilnummer ist von einem anderen Anbieter; damit können Sie nicht Administrator werden.
obstacles contains reasons.of(rego.metadata.rule()) if {
	is_refused_by_mobile_number
	input.has_number_of_another_provider == true
}

# METADATA
# title: No activation code has been issued
# description: A number for which no activation code has been issued cannot be taken by the code route.
# custom:
#   code: no_activation_code_issued
#   cites: [READ-12]
#   message:
#     en: No activation code has been issued for this customer number yet.
#     nl: Voor dit klantnummer is nog geen activeringscode verstuurd.
#     fr: Aucun code d’activation n’a encore été émis pour ce numéro de client.
#     de: Für diese Kundennummer wurde noch kein Aktivierungscode ausgestellt.
obstacles contains reasons.of(rego.metadata.rule()) if {
	seeks_the_role
	has_no_mobile_on_bill
	input.activation_code == "not_issued"
}

# METADATA
# title: The activation code has been used
# description: An activation code works once.
# custom:
#   code: activation_code_used
#   cites: [READ-12]
#   message:
#     en: The activation code of this customer number has been used. Please ask for a new one.
#     nl: De activeringscode van dit klantnummer is al gebruikt. Vraag een nieuwe aan.
#     fr: Le code d’activation de ce numéro de client a déjà été utilisé. Veuillez en demander un nouveau.
#     de: Der Aktivierungscode dieser Kundennummer wurde bereits verwendet. Bitte fordern Sie einen neuen an.
obstacles contains reasons.of(rego.metadata.rule()) if {
	seeks_the_role
	has_no_mobile_on_bill
	input.activation_code == "used"
}

# METADATA
# title: Five wrong activation codes close the code route
# description: After five wrong codes or dates since the code was issued, only a new code opens the route again.
# custom:
#   code: code_route_closed
#   cites: [READ-11]
#   message:
#     en: A wrong activation code or date was given too often. Please ask for a new code.
#     nl: Er is te vaak een verkeerde activeringscode of datum ingegeven. Vraag een nieuwe code aan.
#     fr: Un code d’activation ou une date erronés ont été donnés trop souvent. Veuillez demander un nouveau code.
#     de: >-
#       Ein falscher Aktivierungscode oder ein falsches Datum wurde zu oft angegeben. Bitte fordern Sie einen neuen Code
#       an.
obstacles contains reasons.of(rego.metadata.rule()) if {
	seeks_the_role
	has_no_mobile_on_bill
	input.activation_code == "unused_after_five_wrong"
}

# METADATA
# title: The route by which eligibility is decided
# description: >-
#   With mobile numbers on the bill they decide, whatever code is given; without, the activation code decides.
# scope: document
# custom: {code: route, cites: [READ-10]}
route := "mobile_number" if has_mobile_on_bill

route := "activation_code" if has_no_mobile_on_bill

# METADATA
# title: Names a customer number
# description: The question is about a customer number that exists.
# custom: {code: names_a_customer_number, cites: [TAKE-3]}
names_a_customer_number if input.resource == "customer"

# METADATA
# title: Asks about the role
# description: The question is about becoming administrator of an existing customer number.
# custom: {code: asks_about_the_role, cites: [TAKE-3]}
asks_about_the_role if {
	input.action == "become_administrator"
	names_a_customer_number
	input.is_known_person == true
}

# METADATA
# title: Seeks the role
# description: A known person, linked as a user or not at all, asks to become administrator.
# custom: {code: seeks_the_role, cites: [READ-3, READ-7]}
seeks_the_role if {
	asks_about_the_role
	input.role in {"user", "none"}
}

# METADATA
# title: A mobile number is on the bill
# description: >-
#   Mobiles with plan subscription are on the bill, whoever pays for them; Pay&Go numbers and numbers of other
#   providers never are.
# scope: document
# custom: {code: has_mobile_on_bill, cites: [READ-1]}
has_mobile_on_bill if input.mobiles_paid_by_customer in {"own", "of_others"}

has_mobile_on_bill if input.mobiles_paid_by_employer in {"own", "of_others"}

# METADATA
# title: No mobile number is on the bill
# description: Neither one that the customer pays nor one that an employer pays.
# custom: {code: has_no_mobile_on_bill, cites: [READ-1]}
has_no_mobile_on_bill if {
	input.mobiles_paid_by_customer == "none"
	input.mobiles_paid_by_employer == "none"
}

# METADATA
# title: Holds a mobile that qualifies
# description: A mobile of the person's own on this bill, with plan subscription and paid by the customer.
# custom: {code: holds_qualifying_mobile, cites: [ELIG-2, ELIG-3, ELIG-4]}
holds_qualifying_mobile if input.mobiles_paid_by_customer == "own"

# METADATA
# title: Holds only mobiles that do not qualify
# description: A Pay&Go card, a mobile that an employer pays, or a number from another provider.
# scope: document
# custom: {code: holds_other_mobile, cites: [ELIG-3, ELIG-4, ELIG-5]}
holds_other_mobile if input.mobiles_on_pay_and_go == "own"

holds_other_mobile if input.mobiles_paid_by_employer == "own"

holds_other_mobile if input.has_number_of_another_provider == true

# METADATA
# title: Refused by the mobile numbers on the bill
# description: Mobile numbers are on the bill, so they decide, and the person holds none that qualifies.
# custom: {code: is_refused_by_mobile_number, cites: [ELIG-2, READ-10]}
is_refused_by_mobile_number if {
	seeks_the_role
	has_mobile_on_bill
	not holds_qualifying_mobile
}
