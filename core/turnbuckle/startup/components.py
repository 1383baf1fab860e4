"""Make components when they are first asked for, once each."""

from __future__ import annotations

import attrs

from turnbuckle.startup.plan import Plan
from turnbuckle.startup.setup import Setup

__all__ = ["Components"]


@attrs.define(eq=False)
class Components:
    """The components of one application.

    Attributes:
        plan: says which one was chosen for each kind.
        setup: what factories are given, but for their own settings.
    """

    plan: Plan
    setup: Setup
    _made: dict[str, object] = attrs.field(factory=dict, init=False)

    def get(self, kind: str) -> object:
        """Return the one component of a kind.

        Raises:
            LookupError: no enabled plugin provides that kind, or making it asks for itself.
        """
        if kind in self._made:
            return self._made[kind]
        choice = self.plan.components.get(kind)
        if choice is None:
            kinds = ", ".join(sorted(self.plan.components)) or "none"
            raise LookupError(f"no enabled plugin provides a component of kind {kind!r}; there is {kinds}")
        plugin = choice.origin.plugin
        setup = attrs.evolve(self.setup, plugin=plugin, config=self.plan.root.configs.get(plugin))
        made = self._made[kind] = choice.provider.factory(setup)
        return made
