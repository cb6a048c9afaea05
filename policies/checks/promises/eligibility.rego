package promises

# METADATA
# title: With no mobile on the bill, whoever has the activation code may become administrator
# custom: {code: the_code_opens, cites: [ELIG-1, READ-7]}
broken contains rego.metadata.rule().custom.code if {
	may_seek_the_role
	has_no_mobile_on_bill
	input.facts.activation_code == "unused"
	has_brought_the_code
	has_told_whom_to_tell
	input.answer.allow == false
}

# METADATA
# title: With no mobile on the bill, nobody becomes administrator without the right activation code and date
# custom: {code: the_code_is_needed, cites: [ELIG-1]}
broken contains rego.metadata.rule().custom.code if {
	takes_the_role
	has_no_mobile_on_bill
	not has_brought_the_code
}

# METADATA
# title: With no mobile on the bill, the activation code is asked for
# custom: {code: the_code_is_asked_for, cites: [ELIG-1]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.is_take_over == false
	has_no_mobile_on_bill
	input.answer.allow == true
	not "activation_code" in input.answer.requires
}

# METADATA
# title: With mobiles on the bill, whoever holds one that qualifies may become administrator
# custom: {code: a_mobile_opens, cites: [ELIG-2]}
broken contains rego.metadata.rule().custom.code if {
	may_seek_the_role
	input.facts.mobiles_paid_by_customer == "own"
	has_told_whom_to_tell
	input.answer.allow == false
}

# METADATA
# title: With mobiles on the bill, nobody becomes administrator without holding one that qualifies
# custom: {code: a_mobile_is_needed, cites: [ELIG-2]}
broken contains rego.metadata.rule().custom.code if {
	has_mobile_on_bill
	input.facts.mobiles_paid_by_customer in {"none", "of_others"}
	input.answer.allow == true
}

# METADATA
# title: With mobiles on the bill, a Pay&Go card does not make its holder eligible
# custom: {code: no_pay_and_go, cites: [ELIG-3]}
broken contains rego.metadata.rule().custom.code if {
	has_mobile_on_bill
	input.facts.mobiles_paid_by_customer in {"none", "of_others"}
	input.facts.mobiles_on_pay_and_go == "own"
	input.answer.allow == true
}

# METADATA
# title: A mobile that an employer pays does not make its holder eligible
# custom: {code: no_employer, cites: [ELIG-4]}
broken contains rego.metadata.rule().custom.code if {
	input.facts.mobiles_paid_by_employer == "own"
	input.facts.mobiles_paid_by_customer in {"none", "of_others"}
	input.answer.allow == true
}

# METADATA
# title: With mobiles on the bill, a number of another provider does not make its holder eligible
# custom: {code: no_other_provider, cites: [ELIG-5]}
broken contains rego.metadata.rule().custom.code if {
	has_mobile_on_bill
	input.facts.mobiles_paid_by_customer in {"none", "of_others"}
	input.facts.has_number_of_another_provider == true
	input.answer.allow == true
}
