"""Makes one thing: what to call comes in, what it gives goes out.

python -m authz_service.handbook.making PARENT_PID
"""

import os
import pickle
import sys
from contextlib import redirect_stdout

from authz_service.errors import AuthzServiceError
from authz_service.handbook.apart import Failed
from authz_service.opa.launch import die_with_parent

# Decisions come first.
_NICENESS = 10


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    os.nice(_NICENESS)
    make = pickle.load(sys.stdin.buffer)  # noqa: S301 - standard input is a pipe of the service that has started this process
    # Whatever is said meanwhile is not what it gives.
    with redirect_stdout(sys.stderr):
        try:
            made = make()
        except AuthzServiceError as error:
            made = Failed(str(error))
    sys.stdout.buffer.write(pickle.dumps(made))


if __name__ == "__main__":
    main()
