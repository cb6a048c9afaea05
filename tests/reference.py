"""An independent reading of the requirements, straight from the households: what the service has to answer.

Slow and plain on purpose, and sharing nothing with the service: neither its words, nor its facts, nor its policy.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

ADMINISTRATOR_ACTIONS = {
    "view_bills", "manage_bills", "view_payment_statements", "manage_payment_statements",
    "view_premium_club_points", "manage_premium_club_points",
    "manage_proximus_tv_access", "manage_cloud_access", "manage_foot_11_access",
}  # fmt: skip


@dataclass
class Mobile:
    holder: str
    plan: str
    paid_by: str


@dataclass
class Household:
    """One customer number. `code` is `none`, `unused`, `used`, or the number of wrong codes given since."""

    number: str
    kind: str
    roles: dict[str, str]
    code: str | int = "none"
    mobiles: dict[str, Mobile] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    def subscriptions(self) -> Iterator[tuple[str, str]]:
        """Each subscription's id and kind."""
        yield from ((name, "mobile") for name in self.mobiles)
        yield from self.others.items()


@dataclass
class World:
    """`people` have the numbers that they hold elsewhere; `options` have their kind and price in cents."""

    people: dict[str, list[str]]
    options: dict[str, tuple[str, int]]
    households: list[Household]

    def household_of(self, kind: str, name: str) -> Household | None:
        for household in self.households:
            if kind == "customer" and household.number == name:
                return household
            if kind == "subscription" and name in dict(household.subscriptions()):
                return household
        return None


@dataclass(frozen=True)
class Asked:
    person: str
    action: str
    kind: str
    name: str
    option: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Expected:
    allow: bool
    role: str | None
    route: str | None = None
    requires: frozenset[str] = frozenset()


def expected(world: World, asked: Asked) -> Expected:
    """What the requirements say."""
    household = world.household_of(asked.kind, asked.name)
    if household is None:
        return Expected(allow=False, role=None)
    role = household.roles.get(asked.person)
    if asked.person not in world.people:
        return Expected(allow=False, role=role)
    if asked.kind == "customer" and asked.action == "become_administrator":
        return _eligibility(world, household, asked, role)
    allow = _customer(asked, role) if asked.kind == "customer" else _subscription(world, household, asked, role)
    return Expected(allow, role)


def _customer(asked: Asked, role: str | None) -> bool:
    if asked.action == "view_role":  # ROLE-6
        return role is not None
    # ADMIN-1, ADMIN-4, ADMIN-5; delegate is nobody's: ROLE-5
    return role == "administrator" and asked.action in ADMINISTRATOR_ACTIONS


def _subscription(world: World, household: Household, asked: Asked, role: str | None) -> bool:
    mobile = household.mobiles.get(asked.name)
    is_own = mobile is not None and mobile.holder == asked.person  # READ-6
    if asked.action == "view_usage":  # ADMIN-2, USER-1
        return role == "administrator" or (role == "user" and is_own)
    if asked.action not in {"activate_option", "deactivate_option"}:
        return False
    kind, price = world.options.get(asked.option or "", ("none", 0))
    if kind != dict(household.subscriptions())[asked.name]:
        return False
    if role == "administrator":  # ADMIN-3, ADMIN-6, READ-5
        return True
    return role == "user" and is_own and price == 0 and asked.action == "activate_option"  # USER-2


def _eligibility(world: World, household: Household, asked: Asked, role: str | None) -> Expected:
    on_bill = [mobile for mobile in household.mobiles.values() if mobile.plan == "subscription"]  # READ-1
    if on_bill:  # READ-10
        route = "mobile_number"
        own = [mobile for mobile in on_bill if mobile.holder == asked.person]
        is_eligible = any(mobile.paid_by == "customer" for mobile in own)  # ELIG-2, ELIG-4, READ-2
    else:
        route = "activation_code"
        is_open = household.code == "unused" or (isinstance(household.code, int) and household.code < 5)  # READ-11
        is_eligible = is_open  # ELIG-1, READ-12
    if not is_eligible or role == "administrator" or asked.channel == "app":  # READ-3, TAKE-2
        return Expected(allow=False, role=role)
    requires = set()
    if route == "activation_code":
        requires.add("activation_code")
    if household.kind == "residential" and "administrator" in household.roles.values():  # TAKE-1, READ-4
        requires.add("inform_current_administrator")
    if asked.channel is None:  # TAKE-2
        requires.add("web_site")
    return Expected(allow=True, role=role, route=route, requires=frozenset(requires))


@dataclass(frozen=True)
class Wished:
    """A take-over. `given` is what is brought of the activation code: `not_given`, `right` or `wrong`."""

    number: str
    person: str
    channel: str
    is_informed: bool
    given: str


@dataclass(frozen=True)
class Outcome:
    """Whether it is done, who became a user by it, and whether customer number and person exist."""

    is_done: bool
    became_users: tuple[str, ...] = ()
    is_found: bool = True


def take_over(world: World, wished: Wished) -> Outcome:
    """What the requirements say of a take-over, carried out on the world."""
    household = world.household_of("customer", wished.number)
    if household is None:
        return Outcome(is_done=False, is_found=False)
    given = wished.given if household.code not in {"none", "used"} or wished.given == "not_given" else "wrong"
    asked = Asked(wished.person, "become_administrator", "customer", wished.number, channel=wished.channel)
    wanted = expected(world, asked)
    if given == "wrong":  # READ-11
        if household.code == "unused":
            household.code = 1
        elif isinstance(household.code, int) and household.code < 5:
            household.code += 1
    if wished.person not in world.people:
        return Outcome(is_done=False, is_found=False)
    is_told = wished.is_informed or "inform_current_administrator" not in wanted.requires  # TAKE-1
    is_proven = given == "right" or "activation_code" not in wanted.requires  # ELIG-1
    if not (wanted.allow and is_told and is_proven):
        return Outcome(is_done=False)
    return Outcome(is_done=True, became_users=_carry_out(household, wished.person, wanted.route))


def _carry_out(household: Household, person: str, route: str | None) -> tuple[str, ...]:
    became_users: tuple[str, ...] = ()
    if household.kind == "residential":  # TAKE-6, READ-4
        became_users = tuple(sorted(name for name, role in household.roles.items() if role == "administrator"))
        household.roles |= dict.fromkeys(became_users, "user")
    household.roles[person] = "administrator"  # TAKE-4
    if route == "activation_code":  # READ-12
        household.code = "used"
    return became_users
