"""Processes that share one job: each works on its part, and all get the sums over the parts.

Under `torchrun` a job runs as several processes, on one machine or many. All hold the same parameters and take the
same steps; what a step adds up over examples or over tiles each adds up over its own, and one all-reduce makes it the
sum over all. PyTorch carries the numbers (`torch.distributed`: gloo between processors, NCCL between GPUs of NVIDIA's).
"""

import datetime
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sfumato.arrays import Array, fingerprint, to_numpy
from sfumato.checks import variable
from sfumato.errors import InputError, WorkerError

PATIENCE = datetime.timedelta(minutes=30)
"""Longest time that a process waits for the others; one that ends is noticed at once."""


class Share(NamedTuple):
    """Entries `start` to `stop` of `whole`, the part of one process."""

    start: int
    stop: int
    whole: int


@dataclass(frozen=True)
class Workers:
    """The processes of a job, and the number of this one.

    Attributes:
        rank: Number of this one, from 0; that one alone writes and prints.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    def share(self, whole: int) -> Share:
        """The part of so many entries for this process: parts differ by one at most."""
        return Share(whole * self.rank // self.count, whole * (self.rank + 1) // self.count, whole)

    def sum(self, numbers: Array) -> Array:
        """Sum over all processes, bit for bit the same in each, in the memory of `numbers`.

        Raises:
            WorkerError: if another process has ended.
        """
        if self.count == 1:
            return numbers
        import torch

        tensor: Any = torch.from_numpy(numbers) if isinstance(numbers, np.ndarray) else numbers
        carried = tensor.cpu() if tensor.device.type == "mps" else tensor  # which gloo does not know
        try:
            torch.distributed.all_reduce(carried)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise WorkerError(
                f"process {self.rank} of {self.count} has lost another one, and the job ends; what out=... keeps of "
                f"it goes on with resume=True, on any number of processes ({' '.join(str(error).split())[:150]})"
            ) from error
        if carried is not tensor:
            tensor.copy_(carried)
        return numbers

    def sum_of(self, parts: list[Any]) -> list[Any]:
        """The sum over all processes of numbers, NumPy's arrays, and named tuples of both, in one message.

        Raises:
            WorkerError: if another process has ended.
        """
        if self.count == 1:
            return parts
        flat = [np.ravel(leaf) for part in parts for leaf in (part if isinstance(part, tuple) else (part,))]
        summed = iter(np.split(self.sum(np.concatenate(flat, dtype=np.float64)), np.cumsum([len(f) for f in flat])))

        def like(leaf: Any) -> Any:
            numbers = next(summed)
            return numbers.reshape(leaf.shape) if isinstance(leaf, np.ndarray) else float(numbers[0])

        return [type(part)(*map(like, part)) if isinstance(part, tuple) else like(part) for part in parts]

    def check_same(self, settings: dict[str, Any], *arrays: Array) -> None:
        """Refuse to begin where processes hold different values, which would be mixed silently.

        Args:
            settings: What they begin with; but for the device, of which each has its own.
            arrays: The same.

        Raises:
            InputError: if they differ.
            WorkerError: if another process has ended.
        """
        if self.count == 1:
            return
        shared = repr({name: value for name, value in settings.items() if name != "device"})
        digest = fingerprint(np.frombuffer(shared.encode(), np.uint8), *map(to_numpy, arrays))
        own = np.frombuffer(bytes.fromhex(digest), np.uint8).astype(np.float64)
        sums, squares = np.split(self.sum(np.concatenate([own, own * own])), 2)
        if (self.count * squares != sums * sums).any():  # Cauchy and Schwarz: equal for equal numbers alone
            raise InputError(
                "the processes begin with different data, options or checkpoints: give all of them the same, "
                "and an out=... that all of them see"
            )

    def any(self, said: bool) -> bool:
        """Whether the condition is true in any process.

        Raises:
            WorkerError: if another process has ended.
        """
        return said if self.count == 1 else bool(self.sum(np.array([float(said)]))[0])


ALONE = Workers()


def join_workers() -> Workers:
    """Join the other processes that `torchrun` has started; alone without it.

    Raises:
        InputError: if they cannot be met.
    """
    count, rank = variable("WORLD_SIZE", 1, least=1), variable("RANK", 0)
    if count == 1:
        return ALONE
    if rank >= count:
        raise InputError(f"the environment variables say that this is process {rank} of {count}, from 0; unset RANK")
    for name in ("LOCAL_RANK", "MASTER_PORT"):
        variable(name, 0)
    import torch

    distributed = torch.distributed
    if not distributed.is_available():
        raise InputError("this installation of PyTorch has no torch.distributed: run without torchrun")
    try:
        if not distributed.is_initialized():
            both = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            distributed.init_process_group(both, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"the processes of this job cannot meet ({' '.join(str(error).split())[:200]})") from error
    return Workers(distributed.get_rank(), distributed.get_world_size())


def leave_workers() -> None:
    """Leave the other processes."""
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
