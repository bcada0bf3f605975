"""Edits of how a picture is enhanced."""

from dataclasses import dataclass, replace

from viewer.domain.chain import Chain
from viewer.session.edit import Edit, Touched
from viewer.session.state import State


@dataclass(frozen=True, slots=True)
class SetChain:
    """Give a picture another enhancement; None takes its entry away."""

    volume_key: str
    chain: Chain | None
    name: str = "enhancement"

    def apply(self, state: State) -> tuple[State, Edit]:
        """Set it; the pairs stay sorted by key, so that undo restores their order too."""
        chains = dict(state.chains)
        before = chains.pop(self.volume_key, None)
        if self.chain is not None:
            chains[self.volume_key] = self.chain
        after = replace(state, chains=tuple(sorted(chains.items(), key=lambda pair: pair[0])))
        return after, SetChain(self.volume_key, before, self.name)

    def touches(self, state: State) -> Touched:
        """Return the picture."""
        return Touched(frozenset({self.volume_key}))
