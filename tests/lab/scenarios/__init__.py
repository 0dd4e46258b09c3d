"""The lab tests. A scenario is a function with a sentence; it begins in the steady state and may leave its faults to the runner."""
from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Scenario:
    name: str
    sentence: str
    function: Callable
    seconds: int  # about so long; the longest are begun first


class Skip(Exception):
    """This machine cannot show it; the text says why."""


REGISTRY = []


def scenario(sentence, seconds=10):
    """Registers a function (stage, note) under its own name."""
    def register(function):
        REGISTRY.append(Scenario(function.__name__.replace("_", "-"), sentence, function, seconds))
        return function
    return register
