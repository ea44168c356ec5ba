"""Random streams that depend on what they are for and on nothing else."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream of one purpose, such as ``stream(1, "SIM-01", "SIM-01_D7_flow", "flow")``.

    The names are hashed (BLAKE2b) into the seed sequence of a PCG64 generator, so a further subject, visit or layer
    takes nothing from a stream that exists, and no order of calls or hash seed of Python matters.

    Parameters
    ----------
    seed
        Seed of the trial.
    names
        Subject, sample and layer, from the widest to the narrowest.
    """
    text = "\0".join((str(seed), *names)).encode()
    return np.random.Generator(np.random.PCG64(int.from_bytes(blake2b(text, digest_size=16).digest())))
