import random

import pytest

from bench.timing import compare, targets, welch_t


def test_welch_s_t_is_that_of_the_textbook() -> None:
    # Means 2 and 4, variances 1 and 4, three of each: -2 / sqrt(1 / 3 + 4 / 3).
    assert welch_t([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]) == pytest.approx(-2 / (5 / 3) ** 0.5)
    assert welch_t([1.0, 1.0], [1.0, 1.0]) == 0.0


def test_a_comparison_that_tells_how_far_a_guess_was_right_is_seen() -> None:
    *_, (attempt, right) = targets().values()
    compared = compare(attempt, right, 2_000, random.Random(1))  # noqa: S311 - an order of guesses
    assert compared.is_seen
    assert compared.nearly_ns > compared.wrong_ns


def test_what_is_tried_is_really_tried() -> None:
    token, code, _ = targets().values()
    assert token[0](token[1])
    assert code[0](code[1]) is True
    assert not token[0]("x")
    assert code[0]("x") is False
