"""How a comparison is run: the options that all have."""

import argparse
from dataclasses import dataclass

CALLERS = 16
WARM_SECONDS = 1
QUESTIONS = 20_000


@dataclass(frozen=True, slots=True)
class Settings:
    """How a comparison is run.

    Attributes:
        rounds: How often each is asked; what is told is the median.
        seconds: How long each time.
        customers: How many customer numbers there are.
        workers: How many processes a service has.
    """

    rounds: int
    seconds: int
    customers: int
    workers: int


def read_settings(program: str, description: str) -> Settings:
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is asked; the median counts")
    parser.add_argument("--seconds", type=int, default=3, help="how long each time")
    parser.add_argument("--customers", type=int, default=QUESTIONS)
    parser.add_argument("--workers", type=int, default=2, help="of each service in Python")
    return Settings(**vars(parser.parse_args()))
