"""The command line: `authz-service`."""

from authz_service.cli.main import main

__all__ = ["main"]
