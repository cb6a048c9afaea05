"""Policy-as-code authorization for a telecom's customer zone."""

import gc
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

# Nothing of what is imported is garbage: to look through it again and again takes a seventh of that time.
gc.set_threshold(50_000)

# structlog imports rich where that is installed, for tracebacks with the values of variables, which no log of this
# service is to have: 4 MiB a process, and a twelfth of a start.
if "rich" not in sys.modules:
    sys.modules["rich"] = ModuleType("rich")
    # The set-up runs where nothing is installed yet.
    with suppress(ModuleNotFoundError):
        import_module("structlog")
    del sys.modules["rich"]
