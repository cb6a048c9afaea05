"""All comparisons, one after the other, each on databases of its own.

python -m bench [--rounds N] [--seconds N] [--customers N]
"""

from bench.databases import databases
from bench.engines import compare_engines
from bench.journal import compare_journal
from bench.settings import read_settings


def main() -> None:
    settings = read_settings("bench", "What the journal costs, and this service beside others.")
    with databases(settings.customers) as made:
        compare_journal(made, settings)
        compare_engines(made, settings)


if __name__ == "__main__":
    main()
