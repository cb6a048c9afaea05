"""Numbers of things, as a person writes them."""


def counted(number: int, one: str, many: str) -> str:
    """`1 letter`, `1,000 letters`."""
    return f"{number:,} {one if number == 1 else many}"
