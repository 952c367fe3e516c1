"""The grammar of `indicators.csv` read by a small parser of its own, row by row in plain Python.

Written for the tests alone: nothing here is shared with the engine or the packs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
Look = Callable[[str], Any]
TOKEN = re.compile(
    r"\s*(<=|>=|!=|=|<|>|\(|\)|,|\*|-|'[^']*'|[A-Za-z_][\w.]*|\d+(?:\.\d+)?)", re.ASCII
)


def holds(text: str, look: Look) -> bool:
    """Whether a condition is true; unknown counts as false."""
    return Condition(text, look).value() is True


class Condition:
    """A recursive reading of one condition, with unknown (None) as in SQL."""

    def __init__(self, text: str, look: Look) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s+", "", text), text
        self.look, self.at = look, 0

    def value(self) -> Any:
        found = self.either()
        assert self.at == len(self.tokens), self.tokens[self.at :]
        return found

    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> bool:
        if self.tokens[self.at : self.at + len(wanted)] == list(wanted):
            self.at += len(wanted)
            return True
        return False

    def either(self) -> Any:
        found = [self.both()]
        while self.take("or"):
            found.append(self.both())
        if True in found:
            return True
        return None if None in found else found[-1]

    def both(self) -> Any:
        found = [self.negated()]
        while self.take("and"):
            found.append(self.negated())
        if len(found) == 1:
            return found[0]
        if False in found:
            return False
        return None if None in found else True

    def negated(self) -> Any:
        if self.take("not"):
            found = self.negated()
            return None if found is None else not found
        return self.compared()

    def compared(self) -> Any:
        left = self.product()
        if self.take("is", "null"):
            return left is None
        if self.take("in"):
            listed = self.listed()
            return None if left is None else left in listed
        if self.take("not", "in"):
            listed = self.listed()
            return None if left is None else left not in listed
        if self.take("has"):
            listed = self.listed()
            return None if left is None else bool(set(left) & set(listed))
        for sign in ("<=", ">=", "!=", "=", "<", ">"):
            if self.take(sign):
                right = self.product()
                return None if None in (left, right) else COMPARE[sign](left, right)
        return left

    def product(self) -> Any:
        found = self.single()
        while self.take("*"):
            other = self.single()
            found = None if None in (found, other) else found * other
        return found

    def single(self) -> Any:
        token = self.next()
        self.at += 1
        if token == "(":
            found = self.either()
            assert self.take(")")
            return found
        if token.startswith("'"):
            return token[1:-1]
        return Fraction(token) if token[0].isdigit() else self.look(token)

    def listed(self) -> list[Any]:
        assert self.take("(")
        found = [self.single()]
        while self.take(","):
            found.append(self.single())
        assert self.take(")")
        return found


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "!=": lambda a, b: a != b,
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


def call(text: str) -> tuple[str, list[str], float]:
    """`func(a; b; c) - 1` as the function, its parts, and what is taken off."""
    found = re.fullmatch(r"(\w+)\((.*)\)(?:\s*-\s*(\d+))?", text)
    assert found, text
    return found[1], [p.strip() for p in found[2].split(";")], float(found[3] or 0)


OPTION = re.compile(r"[a-z_]+=[\w.]+(, [a-z_]+=[\w.]+)*|leave_self_out|self_excluded")


def options(parts: list[str]) -> dict[str, str]:
    """`name=value` parts, such as `cap=3650`, `prior_mean=global, prior=3`."""
    named = [one for p in parts if OPTION.fullmatch(p) for one in p.split(", ") if "=" in one]
    return dict(one.split("=", 1) for one in named)


def condition(parts: list[str]) -> str:
    """The first part that is a condition."""
    return next((p for p in parts if not OPTION.fullmatch(p)), "")
