"""The enhancement of a picture: an ordered, serialisable list of steps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

Setting = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Step:
    """One filter by its key, with its parameters; ``on`` false keeps it without effect."""

    key: str
    parameters: tuple[tuple[str, Setting], ...] = ()
    on: bool = True

    @classmethod
    def of(cls, key: str, parameters: Mapping[str, Setting] | None = None) -> "Step":
        """Return a step from a mapping."""
        return cls(key, tuple(sorted((parameters or {}).items())))

    def values(self) -> dict[str, Setting]:
        """Return the parameters as a dictionary."""
        return dict(self.parameters)

    def with_value(self, name: str, value: Setting) -> "Step":
        """Return the step with one parameter changed."""
        return replace(self, parameters=tuple(sorted({**self.values(), name: value}.items())))


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps that are applied one after the other."""

    steps: tuple[Step, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether any step has an effect."""
        return any(step.on for step in self.steps)

    @property
    def active(self) -> "Chain":
        """The chain without steps that are switched off."""
        return Chain(tuple(step for step in self.steps if step.on))

    def replaced(self, index: int, step: Step) -> "Chain":
        """Return the chain with the step at ``index`` exchanged."""
        return Chain((*self.steps[:index], step, *self.steps[index + 1 :]))

    def removed(self, index: int) -> "Chain":
        """Return the chain without the step at ``index``."""
        return Chain((*self.steps[:index], *self.steps[index + 1 :]))

    def moved(self, index: int, to: int) -> "Chain":
        """Return the chain with one step at another place."""
        steps = list(self.steps)
        steps.insert(to, steps.pop(index))
        return Chain(tuple(steps))
