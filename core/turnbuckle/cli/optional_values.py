"""Options whose value may be left out, as in ``--lock`` and ``--lock=FILE``.

The value needs its equals sign. click would take the word behind the option for it, and that is most often the TARGET.
"""

from __future__ import annotations

import click

__all__ = ["OptionalValue", "OptionalValueCommand"]


class OptionalValue(click.Option):
    """An option that is None when it was not given, and "" when it was given without a value."""


class OptionalValueCommand(click.Command):
    """A command that may have such options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give those that stand alone their equals sign."""
        names = {name for each in self.params if isinstance(each, OptionalValue) for name in each.opts}
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [f"{arg}=" if arg in names else arg for arg in args[:end]] + args[end:])
