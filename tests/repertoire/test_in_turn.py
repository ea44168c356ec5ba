"""Work that threads share: its results keep the order of the items, few of which are held at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tilseq.repertoire.in_turn import in_turn


def test_results_keep_the_order_of_the_items_whichever_is_done_first():
    second_is_done = Event()

    def made(item):
        if item == "first":
            assert second_is_done.wait(10)  # so that two threads are at work
        second_is_done.set()
        return item.upper()

    with ThreadPoolExecutor(2) as pool:
        assert list(in_turn(pool, made, ["first", "second", "third"], 2)) == ["FIRST", "SECOND", "THIRD"]


def test_no_more_items_are_drawn_than_may_be_held():
    drawn = []

    def items():
        for item in range(6):
            drawn.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool:
        results = in_turn(pool, float, items(), 3)
        assert drawn == []
        assert next(results) == 0
        assert drawn == [0, 1, 2]
        assert next(results) == 1
        assert drawn == [0, 1, 2, 3]
        assert list(results) == [2, 3, 4, 5]


def test_an_error_comes_where_its_result_would():
    with ThreadPoolExecutor(2) as pool:
        results = in_turn(pool, lambda item: 1 / item, [1, 0, 2], 3)
        assert next(results) == 1
        with pytest.raises(ZeroDivisionError):
            next(results)
