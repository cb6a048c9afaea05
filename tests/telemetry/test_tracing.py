"""OpenTelemetry costs nothing where it is not set up."""

import subprocess
import sys

from tests.conftest import ROOT

LOADED = """
import sys
from authz_service.app import close_app, create_app
from authz_service.cli.serve import serve
from authz_service.settings import read_settings
given = {"AUTHZ_DATABASE_URL": "sqlite://", "AUTHZ_OPA_URL": "unix:///no.sock", "AUTHZ_JOURNAL": "off"}
settings = read_settings(given)
assert not settings.traces
app = create_app(settings, callers=[])
print(sorted(name for name in sys.modules if name.split(".")[0] in {"opentelemetry", "google"}))
close_app(app)
"""


def test_nothing_of_it_is_loaded_where_it_is_not_set_up() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
