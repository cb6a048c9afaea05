"""A policy that was in force before the shipped one: users saw all bills, and no usage of what an employer pays."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine

from authz_service.opa.bundle import build_bundle
from authz_service.policy.revisions import keep_revision
from tests.processes import wait_until
from tests.web.conftest import database_of
from tests.web.pages.reading import READ_WITHIN_SECONDS, signed_in, with_book

SINCE = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)

_PAID = '\tis_own_mobile\n\tinput.paid_by == "customer"\n'
_BILLS = "\tinput.action in catalogue.bill_actions\n"
_ADMINISTRATOR_ACTIONS = "\tinput.action in catalogue.administrator_actions\n"
_OWN_USAGE = '\tis_own_mobile\n\tinput.action == "view_usage"'
_NOT_OWN = "\tinput.action in catalogue.actions.subscription\n\tnot is_own_mobile"


def earlier_policies(policies: Path, target: Path) -> Path:
    """Writes such a policy, made of the shipped one."""
    edited = Path(shutil.copytree(policies, target))
    permissions = edited / "bundle" / "authz" / "permissions"
    grants, obstacles = permissions / "grants.rego", permissions / "obstacles.rego"
    head, tail = grants.read_text().split(_BILLS)
    before, last = head.rsplit("roles.is_administrator", 1)
    granted = f"{before}roles.is_linked{last}{_BILLS}{tail}"
    stood = obstacles.read_text()
    assert _OWN_USAGE in granted
    assert _NOT_OWN in stood
    assert _ADMINISTRATOR_ACTIONS in stood
    grants.write_text(granted.replace(_OWN_USAGE, f'{_PAID}\tinput.action == "view_usage"'))
    stood = stood.replace(_NOT_OWN, f"{_NOT_OWN}_that_the_customer_pays")
    stood = stood.replace(
        _ADMINISTRATOR_ACTIONS, f"{_ADMINISTRATOR_ACTIONS}\tnot input.action in catalogue.bill_actions\n"
    )
    obstacles.write_text(f"{stood}\nis_own_mobile_that_the_customer_pays if {{\n{_PAID}}}\n")
    return edited


def keep_earlier(database: Engine, opa: Path, policies: Path) -> str:
    """Has such a policy known as one that was in force, and returns its revision."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "bundle.tar.gz"
        revision = build_bundle(opa, earlier_policies(policies, Path(folder) / "policies"), bundle)
        keep_revision(database, revision, bundle.read_bytes(), SINCE)
    return revision


def with_comparison(app: Flask, opa: Path, policies: Path) -> None:
    """Has the service know such a policy, and what it answered otherwise."""
    keep_earlier(database_of(app), opa, policies)
    reader = with_book(signed_in(app.test_client()))
    wait_until(lambda: reader.get("/matrix/diff?from=&to=").status_code == 200, READ_WITHIN_SECONDS)
