"""Logs for whom they are read by: lines on a terminal, JSON elsewhere, always on stderr."""

import logging
import sys
from contextlib import suppress

import structlog


class _Log(structlog.PrintLogger):
    """A log that cannot be written, as its disk is full or nobody reads it, keeps nobody from being answered."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    info = warning = error = msg


def configure_logs() -> None:
    """Sets up logging for this process."""
    is_terminal = sys.stderr.isatty()
    renderer: structlog.types.Processor = (
        # A traceback with the values of variables would have tokens and activation codes in it.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if is_terminal
        else structlog.processors.JSONRenderer()
    )
    traceback = [] if is_terminal else [structlog.processors.format_exc_info]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *traceback, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Log(sys.stderr),
    )
    # What libraries log by Python's own means, from a warning on.
    of_libraries = logging.StreamHandler(sys.stderr)
    of_libraries.setLevel(logging.WARNING)
    of_libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, *traceback],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.lastResort = of_libraries
