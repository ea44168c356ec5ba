"""Synthetic trials with their truth: `Design` says what one is to hold, `simulate_trial` writes it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilseq.simulate.design import Design, read_design
    from tilseq.simulate.trial import simulate_trial

# Imported when they are first asked for: the modules of this package are read by commands that must be quick.
MODULES = {"Design": "design", "read_design": "design", "simulate_trial": "trial"}

__all__ = ["Design", "read_design", "simulate_trial"]


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(import_module(f"tilseq.simulate.{MODULES[name]}"), name)
    raise AttributeError(f"module 'tilseq.simulate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
