import numpy as np

from tilseq.simulate.streams import stream


def test_a_stream_is_the_same_everywhere():
    # PCG64 seeded with BLAKE2b-128 of "1\0SIM-01\0flow": fixed, so that no version, process or hash seed moves it.
    assert stream(1, "SIM-01", "flow").integers(0, 2**32, 3).tolist() == [2371126218, 1028155472, 1847920748]


def test_every_part_of_the_name_counts():
    names = [(1, "a", "bc"), (1, "ab", "c"), (1, "abc"), (1, "a", "b", "c"), (2, "a", "bc"), (1, "bc", "a")]
    first = {float(stream(seed, *rest).random()) for seed, *rest in names}
    assert len(first) == len(names)


def test_two_streams_are_unrelated():
    one, other = (stream(1, "SIM-01", layer).random(20_000) for layer in ("flow", "tcr"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(20_000)
