"""The entry: a sweep's lanes as one compiled program, or one after another where that cannot be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from downslope.engines.chunk import keep
from downslope.engines.compiled import is_code
from downslope.engines.job import is_ours
from downslope.engines.lanes.block import Block
from downslope.engines.lanes.feeding import Feeder
from downslope.engines.lanes.one_by_one import run_one_by_one
from downslope.engines.lanes.results import Lanes
from downslope.engines.leaves import join, leaf_names, split
from downslope.engines.step import Oracle, Rules
from downslope.errors import InvalidObjective
from downslope.objectives.bound import Bound
from downslope.objectives.fingerprint import captured_bytes
from downslope.objectives.many_points import spread
from downslope.objectives.objective import Objective
from downslope.objectives.program import Program
from downslope.objectives.structure import Structure
from downslope.stopping import Limits

MOST_SLOTS = 1024
PAGES_OF_SLOTS = 16
"""A page holds this many times as many lanes as there are slots."""
_CACHE_BYTES = 2**20
"""What the lanes of a block may take, to stay near the processor."""
_BLOCK_BYTES = 2**27
"""What a block may take where each lane meets all the data that the function closes over."""
_VECTORS_A_LANE = 12
"""About how many vectors of the point's size a lane and its step take."""


def run_lanes(
    objective: Objective,
    rules: Rules,
    structure: Structure,
    starts: np.ndarray,
    numbers: Mapping[str, Any] | None = None,
    *,
    progress: Callable[[int], None] | None = None,
    sound: np.ndarray | None = None,
) -> Lanes:
    """Run all lanes to their ends, or to Ctrl-C, which leaves those that it cuts short INTERRUPTED.

    `starts` has shape (m, n), one flat vector of `structure` a lane. `numbers` holds what differs between lanes, one
    entry a lane: "seed", and numbers of the rules by name, such as "method.beta" or "learning_rate.rate"; all others
    are those of `rules`. Values are not checked here. `progress` is called with the number of finished lanes, about
    every 0.1 s. The function is first looked at where its loss is finite: at the flat vector `sound`, or at one of
    the starts; InvalidObjective where none of up to 64 has a finite loss.

    >>> from downslope.learning_rates import Constant
    >>> from downslope.methods import GradientDescent
    >>> structure, x0 = Structure.of(5.0)
    >>> rules = Rules(GradientDescent(), Constant(0.1), Limits(-np.inf, 1e-6, np.inf, 100), None, None, 0)
    >>> rates = np.array([0.1, 0.5, 0.99])
    >>> lanes = run_lanes(Objective("x^2"), rules, structure, np.tile(x0, (3, 1)), {"learning_rate.rate": rates})
    >>> lanes.n_steps.tolist(), lanes.x[1].tolist(), lanes.turn[2].item()
    ([73, 1, 100], [0.0], -1.0)
    """
    starts = np.ascontiguousarray(starts, dtype=structure.dtype)
    apart = _taken_apart(rules, starts, numbers or {})
    results = Lanes.not_begun(starts)
    if not len(starts):
        return results
    reason, is_cut_short = "", False
    try:
        feeder, reason = _feeder(objective, rules, structure, starts, sound, apart, results)
        if feeder is not None:
            feeder.run(progress)
        else:
            how = run_one_by_one(objective, structure, apart.of_lane, starts, results, progress)
            reason = f"{reason}; {how}" if how else reason
    except KeyboardInterrupt:
        is_cut_short = True  # the lanes that had no time are INTERRUPTED
    return dataclasses.replace(results, reason=reason, is_cut_short=is_cut_short)


class _Apart(NamedTuple):
    """Rules taken apart: what all lanes share, and each lane's numbers."""

    method: Any
    """A skeleton, as `leaves.split` gives it; so is the next one."""
    learning_rate: Any
    shared: tuple[Limits, Any, Any]
    """Limits, bounds and noise."""
    numbers: tuple[list[np.ndarray], list[np.ndarray], np.ndarray]
    """Those of the method, those of the learning rate, and the seed; each of shape (m, ...)."""

    def together(self, shared: Any, numbers: Any) -> Rules:
        """The rules of one lane."""
        (limits, bounds, noise), (of_method, of_rate, seed) = shared, numbers
        method, rate = join(self.method, iter(of_method)), join(self.learning_rate, iter(of_rate))
        return Rules(method, rate, limits, bounds, noise, seed)

    def of_lane(self, k: int) -> Rules:
        """The rules of lane k as plain numbers."""
        of_method, of_rate, seed = self.numbers
        one = ([leaf[k] for leaf in of_method], [leaf[k] for leaf in of_rate], int(seed[k]))
        return self.together(self.shared, one)


def _taken_apart(rules: Rules, starts: np.ndarray, numbers: Mapping[str, Any]) -> _Apart:
    left = dict(numbers)

    def each_lane(name: str, one: Any) -> np.ndarray:
        one = np.asarray(one)
        given = np.asarray(left.pop(name, one), dtype=one.dtype)
        return np.broadcast_to(given, (len(starts), *one.shape))

    def numbers_of(owner: str, rule: Any) -> tuple[Any, list[np.ndarray]]:
        skeleton, leaves = split(rule, starts.dtype)
        named = zip(leaf_names(rule), leaves, strict=True)
        return skeleton, [each_lane(f"{owner}.{name}", leaf) for name, leaf in named]

    method, method_numbers = numbers_of("method", rules.method)
    rate, rate_numbers = numbers_of("learning_rate", rules.learning_rate)
    seeds = each_lane("seed", np.int64(rules.seed))
    if left:
        raise KeyError(f"the rules have no number called {', '.join(left)}")
    return _Apart(method, rate, (rules.limits, rules.bounds, rules.noise), (method_numbers, rate_numbers, seeds))


def _feeder(
    objective: Objective,
    rules: Rules,
    structure: Structure,
    starts: np.ndarray,
    sound: np.ndarray | None,
    apart: _Apart,
    results: Lanes,
) -> tuple[Feeder | None, str]:
    """What feeds the compiled loop; or None, and why there can be none."""
    candidates = starts[[0, *spread(len(starts))]] if sound is None else sound[None]
    bound, start, loss = _bind(objective, structure, candidates, rules.bounds)
    for _ in range(2):
        reason = _why_one_by_one(bound, rules)
        if reason or bound.program is None:
            return None, reason
        block = _block(bound.program, apart, _n_slots(bound, rules, starts))
        feeder = Feeder(block, _in_precision(apart.shared, starts.dtype), starts, apart.numbers, results)
        try:
            compiled = feeder.loss_at(start)
        except Exception as error:
            if is_ours(rules):
                raise
            return None, f"the method or rate cannot be compiled: {error}".splitlines()[0]
        # A program may be stale: it has swallowed what its function closed over.
        fresh = objective.checked(bound, compiled, start, loss)
        if fresh is bound:
            return feeder, ""
        bound = fresh
    return None, "the compiled function and the plain one disagree"


def _bind(
    objective: Objective, structure: Structure, candidates: np.ndarray, bounds: Any
) -> tuple[Bound, np.ndarray, float]:
    """The objective bound to the first candidate that has a finite loss, that candidate, and the loss."""
    *others, last = candidates
    for start in others:
        try:
            bound, _, loss = objective.bind(structure.restore(start), bounds)
            return bound, start, loss
        except InvalidObjective as error:
            if not error.rule.startswith("must be finite"):
                raise
    bound, _, loss = objective.bind(structure.restore(last), bounds)
    return bound, last, loss


def _why_one_by_one(bound: Bound, rules: Rules) -> str:
    if bound.program is None or not bound.program.compiles:
        return f"the function is not compiled ({bound.reason})"
    if rules.method.brings_rate:
        return "another library's rule may remember more than its numbers"
    return "the learning rate is Python code" if is_code(rules.learning_rate) else ""


def _block(program: Program, apart: _Apart, n_slots: int) -> Block:
    """The compiled loop for these rules, kept with the program."""
    _, bounds, noise = apart.shared
    key = ("lanes", apart.method, apart.learning_rate, bounds is None, noise is None)
    if key not in program.kernels:
        oracle = Oracle(program.value, program.value_and_gradient, program.hessian)
        keep(program.kernels, key, Block(oracle, apart.together, n_slots, PAGES_OF_SLOTS * n_slots))
    block: Block = program.kernels[key]
    return block


def _in_precision(shared: tuple[Limits, Any, Any], dtype: np.dtype[Any]) -> tuple[Limits, Any, Any]:
    (target, tolerance, limit, max_steps), bounds, noise = shared
    losses = np.array([target, tolerance, limit], dtype=dtype)
    return Limits(losses[0], losses[1], losses[2], np.asarray(max_steps)), bounds, noise


def _n_slots(bound: Bound, rules: Rules, starts: np.ndarray) -> int:
    """A power of two that depends on the function and the number of variables, but not on the number of lanes."""
    n = starts.shape[1]
    matrix = n * n if rules.method.needs_hessian else 0
    in_cache = _CACHE_BYTES // (starts.itemsize * (_VECTORS_A_LANE * n + matrix))
    in_memory = _BLOCK_BYTES // (captured_bytes(bound.fun) + starts.itemsize * n)
    fits = max(1, min(in_cache, in_memory, MOST_SLOTS))
    return int(2 ** (fits.bit_length() - 1))
