"""Where each kind of event is looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tilseq.clinical.histories import History
from tilseq.clinical.reader_series import Found, Series


@dataclass(frozen=True)
class Event:
    """An event: what `rule` and `description` say of it, and where it was found."""

    rule: str
    description: str
    found: Found


Source = Callable[[History, Series, int], Event | None]


def progression(history: History, series: Series, start: int) -> Event | None:
    """Return the first PD after the start."""
    read = next((read for read in series.reads if read.response == "PD" and read.day > start), None)
    if read is None:
        return None
    words = () if read.day == read.row_day else (f"PD of day {read.row_day} counts from the scan of its new lesion",)
    return Event("progression", "progression on a scan", Found(read.day, series.table, read.row_day, words))


def death(history: History, series: Series, start: int) -> Event | None:
    """Return the death, of whatever cause."""
    return None if history.death is None else Event("death", "death", history.death)


def tumor_death(history: History, series: Series, start: int) -> Event | None:
    """Return the death, where it counts as one from the tumour."""
    if history.death is None or not history.tumor_death:
        return None
    words = "death of unknown cause, counted as from the tumour" if history.unknown_cause else "death from the tumour"
    return Event("tumor_death", words, history.death)


def clinical_progression(history: History, series: Series, start: int) -> Event | None:
    """Return the progression that no scan shows."""
    if history.stop is None or history.stop_reason != "clinical_progression":
        return None
    return Event("clinical_progression", "progression without a scan of it", history.stop)


def response(history: History, series: Series, start: int) -> Event | None:
    """Return the first CR or PR of the response that counts."""
    return None if series.response is None else Event("response", "first CR or PR", series.response)


def last_alive(history: History, series: Series, start: int) -> Event | None:
    """Return the end of the follow-up of a subject alive: the event of reverse Kaplan-Meier."""
    if history.death is not None or history.alive is None:
        return None
    return Event("last_alive", "follow-up ended, alive", history.alive)


EVENT_SOURCES: Mapping[str, Source] = {
    "progression": progression,
    "death": death,
    "tumor_death": tumor_death,
    "clinical_progression": clinical_progression,
    "response": response,
    "last_alive": last_alive,
}


def first_event(names: tuple[str, ...], history: History, series: Series, start: int) -> Event | None:
    """Return the earliest event from the start on of the kinds named, of two on one day that named first."""
    events = [EVENT_SOURCES[name](history, series, start) for name in names]
    later = [event for event in events if event is not None and event.found.day >= start]
    return min(later, key=lambda event: event.found.day, default=None)
