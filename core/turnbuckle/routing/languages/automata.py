"""Match regular expressions in linear time, and compare the texts that they match.

There are three layers. An ``Automaton`` is nondeterministic, with a state for each position in the expression. A
``Machine`` makes it deterministic while texts are read: each set of states becomes one ``MachineState``, which caches
the next state for each character. A ``Language`` chooses the fastest way to match: a check for non-empty text for "any
text", ``re`` if no text can make it backtrack, and a ``Machine`` otherwise. Therefore matching takes linear time in the
length of the text for every expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final, assert_never, final

import attrs

from turnbuckle.routing.languages.charsets import CharSet, contains, have_overlap
from turnbuckle.routing.languages.expressions import (
    ANY_TEXT,
    Alternation,
    Chain,
    Chars,
    Expression,
    Repeat,
    mirrored,
    python_regex,
)

States = frozenset[int]

# Maximum transitions that a machine caches; at the limit the cache is cleared, so that texts cannot exhaust memory.
_MEMORY: Final = 20_000


@final
class Automaton:
    """A nondeterministic automaton that starts in the state ``first``.

    ``start`` and every set that ``step`` returns are closed under empty moves.
    """

    def __init__(self, expression: Expression) -> None:
        self._edges: Final[list[list[tuple[CharSet, int]]]] = []
        self._jumps: Final[list[list[int]]] = []
        self._closures: Final[dict[int, States]] = {}
        self.first: Final = self._state()
        self._end: Final = self._add(expression, self.first)
        self.start: Final = self.closure(self.first)

    def accepts(self, states: States) -> bool:
        """Return whether the expression matches the text that was read."""
        return self._end in states

    def edges(self, states: Iterable[int]) -> list[tuple[CharSet, int]]:
        """Return the sets of characters that may be read next, each with the state that follows (not closed)."""
        return [edge for state in states for edge in self._edges[state]]

    def step(self, states: States, code: int) -> States:
        """Return the states after one more character."""
        following: set[int] = set()
        for charset, target in self.edges(states):
            if contains(charset, code):
                following |= self.closure(target)
        return frozenset(following)

    def closure(self, state: int) -> States:
        """Return ``state`` with all states that empty moves reach from it."""
        if state not in self._closures:
            reached, pending = {state}, [state]
            while pending:
                fresh = [target for target in self._jumps[pending.pop()] if target not in reached]
                reached.update(fresh)
                pending += fresh
            self._closures[state] = frozenset(reached)
        return self._closures[state]

    @cached_property
    def is_unambiguous(self) -> bool:
        """Whether every text has at most one path through the automaton, so that backtracking takes linear time.

        There are two paths if empty moves lead to a state in two ways, as in ``(a*)*``, or if two edges read the same
        character, as in ``(a|ab)``. With a single path, each wrong turn of a backtracking matcher ends at the next
        character.
        """
        begins = [self.first, *(target for edges in self._edges for _, target in edges)]
        return all(self._is_unambiguous_after(begin) for begin in begins)

    def _is_unambiguous_after(self, begin: int) -> bool:
        reached, pending = {begin}, [begin]
        while pending:
            for target in self._jumps[pending.pop()]:
                if target in reached:
                    return False
                reached.add(target)
                pending.append(target)
        return not have_overlap(charset for charset, _ in self.edges(reached))

    def _state(self) -> int:
        self._edges.append([])
        self._jumps.append([])
        return len(self._edges) - 1

    def _add(self, expression: Expression, begin: int) -> int:
        """Add the states of ``expression`` after ``begin`` and return its end state."""
        match expression:
            case Chars(charset):
                end = self._state()
                self._edges[begin].append((charset, end))
                return end
            case Chain(items):
                for item in items:
                    begin = self._add(item, begin)
                return begin
            case Alternation(items):
                return self._add_choice(items, begin)
            case Repeat():
                return self._add_repeat(expression, begin)
            case _:
                assert_never(expression)

    def _add_choice(self, items: tuple[Expression, ...], begin: int) -> int:
        end = self._state()
        for item in items:
            branch = self._state()
            self._jumps[begin].append(branch)
            self._jumps[self._add(item, branch)].append(end)
        return end

    def _add_repeat(self, repeat: Repeat, begin: int) -> int:
        for _ in range(repeat.least):
            begin = self._add(repeat.item, begin)
        end = self._state()
        self._jumps[begin].append(end)
        if repeat.most is None:
            self._jumps[self._add(repeat.item, end)].append(end)
            return end
        for _ in range(repeat.most - repeat.least):
            begin = self._add(repeat.item, begin)
            self._jumps[begin].append(end)
        return end


@attrs.define(eq=False)
class MachineState:
    """A set of states of an automaton, with the known next states by character."""

    members: States
    accepting: bool
    after: dict[str, MachineState] = attrs.field(factory=dict)
    restarted: MachineState | None = None


@final
class Machine:
    """An automaton that is made deterministic while it runs."""

    def __init__(self, expression: Expression) -> None:
        self._automaton: Final = Automaton(expression)
        self._states: Final[dict[States, MachineState]] = {}
        self._remembered = 0

    @property
    def start(self) -> MachineState:
        """The state before the first character."""
        return self._state(self._automaton.start)

    @property
    def dead(self) -> MachineState:
        """The state without members, from which no text is accepted."""
        return self._state(frozenset())

    def step(self, state: MachineState, character: str) -> MachineState:
        """Return the state after one more character."""
        following = state.after.get(character)
        if following is None:
            following = self._state(self._automaton.step(state.members, ord(character)))
            self._remember(state, character, following)
        return following

    def restart(self, state: MachineState) -> MachineState:
        """Return the state that continues from ``state`` and also starts again at this position."""
        if state.restarted is None:
            state.restarted = self._state(state.members | self._automaton.start)
        return state.restarted

    def accepts(self, text: str) -> bool:
        """Return whether the expression matches the whole text."""
        state = self.start
        for character in text:
            state = state.after.get(character) or self.step(state, character)
            if not state.members:
                return False
        return state.accepting

    def _state(self, members: States) -> MachineState:
        state = self._states.get(members)
        if state is None:
            state = self._states[members] = MachineState(members, self._automaton.accepts(members))
        return state

    def _remember(self, state: MachineState, character: str, following: MachineState) -> None:
        self._remembered += 1
        if self._remembered > _MEMORY:
            for known in self._states.values():
                known.after.clear()
                known.restarted = None
            self._states.clear()
            self._remembered = 0
        state.after[character] = following


@final
class Language:
    """The set of texts that an expression matches. Machines are built when they are first needed."""

    def __init__(self, expression: Expression) -> None:
        self.expression: Final = expression

    @property
    def is_any_text(self) -> bool:
        """Whether the expression is ``ANY_TEXT``, which matches every text except the empty one."""
        return self.expression == ANY_TEXT

    @cached_property
    def accepts(self) -> Callable[[str], object]:
        """A function that returns a true value for the texts of the language."""
        if self.is_any_text:
            return bool
        if Automaton(self.expression).is_unambiguous:
            return re.compile(python_regex(self.expression)).fullmatch
        return self.forward.accepts

    @cached_property
    def forward(self) -> Machine:
        """The machine that reads from left to right."""
        return Machine(self.expression)

    @cached_property
    def backward(self) -> Machine:
        """The machine that reads from right to left."""
        return Machine(mirrored(self.expression))
