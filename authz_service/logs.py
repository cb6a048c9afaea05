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
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *traceback,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Log(sys.stderr),
    )
