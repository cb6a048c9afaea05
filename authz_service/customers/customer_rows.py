"""A customer of the model as rows of the database."""

from authz_service.customers.model import Customer

Row = dict[str, str | None]

_NOT_A_MOBILE: Row = {"number": None, "holder": None, "plan": None, "paid_by": None}


def member_rows(customer: Customer) -> list[Row]:
    return [
        {
            "customer_number": customer.number,
            "person": member.person,
            "role": member.role,
            "customer_kind": customer.kind,
        }
        for member in customer.members
    ]


def subscription_rows(customer: Customer) -> list[Row]:
    return [
        {"customer_number": customer.number} | _NOT_A_MOBILE | subscription.model_dump()
        for subscription in customer.subscriptions
    ]
