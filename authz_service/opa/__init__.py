"""OPA: found or built, given a bundle, kept running and asked. The only room that knows it."""

import sys
from types import ModuleType

# opa-python-client imports its asynchronous client with the other, and aiohttp with it: a tenth of a start and 10 MiB
# a process, for what nothing here uses.
_unused = ModuleType("opa_client.opa_async")
# Its package imports this one name from it.
vars(_unused)["AsyncOpaClient"] = None
sys.modules.setdefault(_unused.__name__, _unused)
