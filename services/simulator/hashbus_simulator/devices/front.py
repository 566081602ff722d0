"""What the fleet asks of every emulated miner, answered from the state behind it."""

from typing import Generic, Protocol, TypeVar

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.models import MODELS
from hashbus_simulator.physics import MinerPhysics, Timing


class MinerState(Protocol):
    """The state of an emulated miner: where it is, and what it does as a load."""

    @property
    def place(self) -> Place:
        """Who and where it is."""
        ...

    @property
    def physics(self) -> MinerPhysics:
        """The miner as a load."""
        ...


State = TypeVar("State", bound=MinerState)


class MinerFront(Generic[State]):
    """The side of an emulated miner that the fleet sees; a family adds its ports and what it says there."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def place(self) -> Place:
        """Who and where it is."""
        return self._state.place

    @property
    def model_name(self) -> str:
        """The model, as configured."""
        return self._state.physics.model.name

    @property
    def physics(self) -> MinerPhysics:
        """The miner as a load."""
        return self._state.physics

    @property
    def offline_left_s(self) -> float:
        """Simulated seconds until it has booted."""
        return self._state.physics.offline_left_s

    @property
    def power_w(self) -> float:
        """What it draws now, in W."""
        self._state.physics.catch_up()
        return self._state.physics.power_w


def physics_of(block: MinerBlock, place: Place, world: World) -> MinerPhysics:
    """Return the load that a configured miner is."""
    return MinerPhysics(
        MODELS[block.model],
        world.clock,
        seed=place.seed,
        ambient_c=block.ambient_c,
        timing=Timing(tuning_s=block.tuning_s, boot_s=block.boot_s),
    )
