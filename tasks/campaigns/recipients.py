"""Whom of a tournament's committed players a run is about, from what a person chose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from tasks.campaigns.options import CampaignOptions
from tasks.club.model import CommittedPlayer
from tasks.core.errors import ConfigurationError

Names = Mapping[str, Mapping[object, object]]
"""What was named of each kind, as it is compared and as it was written; a kind of which nothing was is left out."""


@dataclass
class RecipientFilter:
    """Judges players one after the other, and remembers which of the chosen names and ids are somebody's."""

    options: CampaignOptions = field(default_factory=CampaignOptions)
    taken: int = 0
    """How many rows of players it has taken."""
    left_out: int = 0
    """How many unpaid orders it has left out."""
    _found: set[tuple[str, object]] = field(default_factory=set)

    def takes(self, player: CommittedPlayer) -> bool:
        """Return True if the run is about this player and order: of all that is chosen, of nothing that is left out."""
        own: dict[str, object] = {
            "team": _folded(player.team),
            "player": player.player_id,
            "order": player.order_id,
        }
        named = chain(self._only.items(), self._without.items())
        self._found.update((what, own[what]) for what, names in named if own[what] in names)
        chosen = all(own[what] in names for what, names in self._only.items())
        taken = chosen and not any(own[what] in names for what, names in self._without.items())
        self.taken += taken
        self.left_out += not taken and player.order_status == "pending"
        return taken

    def check(self, tournament: str) -> None:
        """Raise one ConfigurationError that names all that is nobody's, or says that nobody is left."""
        unknown = [
            f"{what} {written!r}"
            for what, names in chain(self._only.items(), self._without.items())
            for name, written in names.items()
            if (what, name) not in self._found
        ]
        if unknown:
            raise ConfigurationError(
                f"Nobody committed to {tournament!r} is of {', '.join(dict.fromkeys(unknown))}: "
                "check who is chosen and who is left out; nothing was done"
            )
        if not self.taken:
            raise ConfigurationError(
                f"Nobody committed to {tournament!r} is left: teams, players and orders that are chosen narrow each "
                "other, and who is left out is taken off; nothing was done"
            )

    @cached_property
    def _only(self) -> Names:
        chosen = self.options
        return _names(chosen.teams, chosen.player_ids, chosen.order_ids)

    @cached_property
    def _without(self) -> Names:
        chosen = self.options
        return _names(chosen.without_teams, chosen.without_player_ids, chosen.without_order_ids)


def _names(teams: tuple[str, ...], players: tuple[int, ...], orders: tuple[int, ...]) -> Names:
    named: Names = {
        "team": {_folded(name): name for name in teams},
        "player": {number: number for number in players},
        "order": {number: number for number in orders},
    }
    return {what: names for what, names in named.items() if names}


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
