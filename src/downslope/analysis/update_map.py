"""A method's update map near a stationary point, linearised by automatic differentiation.

Where the curvature is c, a small distance d from the point has the gradient c d, so that point and memory go by

    (d, s) -> (d + step, s')        step, s' = update(c d, s, rate)

The Jacobian of this map at d = 0 and a memory at rest says all about small distances: its eigenvalues, the
multipliers, are what each step multiplies them by. A rule that treats all coordinates alike has this small map at
each curvature; any other rule is linearised whole, on all coordinates at once.

Where a rule divides each coordinate by a `scale` of its own, the scale is held: what is linearised is the rest of
the rule, and its curvatures are those of the Hessian between the roots of 1 / scale. A rule that brings its own
rate is taken as it is; `rate` is then a factor on its steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import tree_util

from downslope.engines.leaves import join, split
from downslope.methods import METHODS, Method, Surroundings
from downslope.objectives.structure import Structure

BLOCK = 128
"""Maps linearised at once; of a fixed number, so that more of them compile nothing new."""
_SETTLED = 10**6
"""The count of gradients at which corrections for a start at zero have gone."""
_AT_REST = 1e-12
_SMALL = 1e-6
_PROPORTIONS = (
    (_SMALL, 1e-3, "its steps do not shrink with the gradient"),
    (0.1, 2e-2, "its steps are not in proportion to the gradient"),
)
"""A rule is linear enough where its step from so close by is, to this share, what its Jacobian says; else the reason.
From farther away it shows that a rule divides by the slopes it has seen, though by no less than some epsilon."""


class NotLinearError(Exception):
    """The rule has no linear map at the point; the message says why, in words that follow "since"."""


@dataclass(frozen=True, eq=False)
class UpdateMap:
    """The linear map of a rule at one curvature, for many rates and curvatures at once."""

    method: Method
    kept: np.ndarray
    """Which of the distance and the memory's numbers take part; the others neither feel it nor move it."""
    forgets: bool
    """Whether the held scale fades where there is no gradient, so that the rule has no stable rate."""
    run: Callable[[Any, Any, Any], tuple[Any, Any]]

    def jacobians(self, rates: Any, curvatures: Any) -> np.ndarray:
        """Shape (m, k, k) for m pairs of a rate and a curvature, or numbers that go with all."""
        rates, curvatures = np.broadcast_arrays(np.atleast_1d(rates).astype(float), np.asarray(curvatures, float))
        found = []
        for first in range(0, len(rates), BLOCK):
            pairs = [part[first : first + BLOCK] for part in (rates, curvatures)]
            padded = [np.pad(part, (0, BLOCK - len(part)), mode="edge") for part in pairs]
            found.append(self.run(np.zeros(len(self.kept)), *padded)[1][: len(pairs[0])])
        return np.concatenate(found)[:, self.kept][:, :, self.kept]

    def multipliers(self, rates: Any, curvatures: Any) -> np.ndarray:
        """The eigenvalues, shape (m, k)."""
        jacobians = self.jacobians(rates, curvatures)
        finite = np.isfinite(jacobians).all(axis=(1, 2))
        values = np.linalg.eigvals(np.where(finite[:, None, None], jacobians, 0.0)).astype(complex)
        return np.where(finite[:, None], values, np.inf)


def update_map(method: Method, n_steps: int = 0) -> UpdateMap:
    """The map of a rule that treats all coordinates alike; NotLinearError where it has none.

    `n_steps` is where a rule of another library stands in its own schedule.
    """
    on_one = method.on(Structure.of(np.zeros(1))[0])
    state = _at_rest(on_one, n_steps)
    leaves, treedef = tree_util.tree_flatten(state)
    floats = tuple(_varies(on_one, state, k) for k in range(len(leaves)))
    skeleton, numbers = split(on_one, np.dtype(float))
    try:
        kernel = _kernel(skeleton, treedef, floats)
        n = 1 + sum(int(np.size(leaf)) for leaf, is_float in zip(leaves, floats, strict=True) if is_float)

        def run(z: Any, rates: Any, curvatures: Any) -> tuple[Any, Any]:
            with jax.enable_x64(True):
                given = jax.tree.map(np.asarray, (numbers, leaves))
                return tuple(np.asarray(part) for part in kernel(*given, z, rates, curvatures))  # type: ignore[return-value]

        kept = _check_linear(run, n)
    except NotLinearError:
        raise
    except Exception as error:
        raise NotLinearError(f"it cannot be differentiated ({_one_line(error)})") from error
    if type(method) not in METHODS.values() and not _treats_coordinates_alike(method):
        raise NotLinearError("it does not treat all coordinates alike")
    return UpdateMap(method, kept, bool(method.scaling) and _forgets(on_one, state), run)


def _at_rest(method: Method, n_steps: int, n: int = 1) -> Any:
    """The memory where nothing moves: as at the start, counts apart, and any held scaling at 1."""
    if method.runs_as_python:
        raise NotLinearError("PyTorch's optimizers are Python code that cannot be differentiated")
    state = method.init(np.zeros(n))
    count = n_steps if method.brings_rate else _SETTLED
    state = tree_util.tree_map(lambda leaf: np.full_like(leaf, count) if _is_whole(leaf) else leaf, state)
    return state._replace(**{name: np.ones(n) for name in method.scaling}) if method.scaling else state


def _kind(leaf: Any) -> str:
    """The letter of its dtype; a random key of JAX has none."""
    return str(getattr(leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype, "kind", ""))


def _is_whole(leaf: Any) -> bool:
    return _kind(leaf) in ("i", "u") and np.ndim(leaf) == 0


def _varies(method: Method, state: Any, k: int) -> bool:
    """Whether the k-th leaf of the memory is a number that may move: no count, no random key, nothing held."""
    leaf = tree_util.tree_leaves(state)[k]
    held = method.scaling and any(leaf is getattr(state, name) for name in method.scaling)
    return not held and _kind(leaf) == "f"


def _forgets(method: Method, state: Any) -> bool:
    """Whether the scale shrinks at a step without gradient."""
    after = method.update(np.zeros(1), state, 1.0)[1]
    return bool(np.any(method.scale(after) < method.scale(state)))


@functools.lru_cache(maxsize=64)
def _kernel(skeleton: Any, treedef: Any, floats: tuple[bool, ...]) -> Callable[..., tuple[Any, Any]]:
    """The map and its Jacobian at one memory, for a block of rates and curvatures; compiled once a kind of rule."""

    def at(numbers: Any, leaves: Any, z: Any, rate: Any, curvature: Any) -> tuple[Any, Any]:
        memory = _Memory(join(skeleton, iter(numbers)), treedef, floats, leaves)
        moved = functools.partial(_moved, memory, rate=rate, hessian=curvature.reshape(1, 1))
        return moved(z), jax.jacfwd(moved)(z)

    return jax.jit(jax.vmap(at, in_axes=(None, None, None, 0, 0)))


class _Memory(NamedTuple):
    """A rule, and its memory at rest: all leaves, and which of them may move."""

    method: Method
    treedef: Any
    floats: Sequence[bool]
    leaves: Sequence[Any]

    def flat(self, state: Any) -> list[Any]:
        """The leaves of a state that may move, as flat vectors."""
        leaves = tree_util.tree_leaves(state)
        return [jnp.ravel(leaf) for leaf, is_float in zip(leaves, self.floats, strict=True) if is_float]

    def moved_by(self, distances: Any) -> Any:
        """The memory so far from rest."""
        leaves, first = [], 0
        for leaf, is_float in zip(self.leaves, self.floats, strict=True):
            size = np.size(leaf) if is_float else 0
            leaves.append(leaf + distances[first : first + size].reshape(np.shape(leaf)) if is_float else leaf)
            first += size
        return self.treedef.unflatten(leaves)


def _moved(memory: _Memory, z: Any, *, rate: Any, hessian: Any) -> Any:
    """One step on the quadratic of that Hessian, from and to distances from rest: of the point, then of the memory."""
    method, n = memory.method, len(hessian)
    d, rest = z[:n], memory.treedef.unflatten(memory.leaves)
    gradient = hessian @ d
    move, state = method.update(gradient, memory.moved_by(z[n:]), rate, *_extra(method, d, gradient, hessian))
    if method.brings_rate:
        move = rate * move
    if method.scaling:
        move = move * method.scale(state)
    parts = [after - before for after, before in zip(memory.flat(state), memory.flat(rest), strict=True)]
    return jnp.concatenate([d + move, *parts])


def _extra(method: Method, d: Any, gradient: Any, hessian: Any) -> tuple[Any, ...]:
    """What `update` takes beyond the gradient, on a parabola."""
    if method.needs_hessian:
        return (hessian,)
    if not method.brings_rate:
        return ()

    def asked(point: Any) -> Any:
        raise NotLinearError("it searches along its direction, which no fixed map does")

    return (Surroundings(d, jnp.sum(gradient * d) / 2, gradient, asked, asked, None),)


def _check_linear(run: Callable[..., tuple[Any, Any]], n: int) -> np.ndarray:
    """Which numbers take part; NotLinearError where the point is not at rest or the map not smooth there."""
    ones = np.ones(BLOCK)
    rest, jacobian = (part[0] for part in run(np.zeros(n), ones, ones))
    if not np.isfinite(jacobian).all():
        raise NotLinearError("it has no derivative where the gradient is zero")
    coupled = (jacobian != 0) & ~np.eye(n, dtype=bool)
    kept = coupled.any(axis=0) | coupled.any(axis=1)
    kept[0] = True
    if np.abs(rest[kept]).max() > _AT_REST:
        raise NotLinearError("it moves where the gradient is zero, as weight decay does")
    for size, share, reason in _PROPORTIONS:
        near = np.zeros(n)
        near[0] = size
        expected = jacobian[:, 0] * size
        off, step = run(near, ones, ones)[0][0] - expected, expected - near
        if np.abs(off[kept]).max() > share * max(_SMALL * size, np.abs(step).max()):
            raise NotLinearError(reason)
    return np.asarray(kept)


@functools.lru_cache(maxsize=64)
def _treats_coordinates_alike(method: Method) -> bool:
    """Whether three numbers together go as each would alone, for small gradients."""
    gradients = np.array([1.0, -2.0, 0.5]) * _SMALL

    def two_steps(gradients: Any) -> Any:
        n = len(gradients)
        here = method.on(Structure.of(np.zeros(n))[0])
        state, moved = _at_rest(here, 0, n), jnp.zeros(n)
        for _ in range(2):
            move, state = here.update(gradients, state, 1.0, *_extra(here, moved, gradients, jnp.eye(n)))
            moved = moved + move
        return moved

    try:
        with jax.enable_x64(True):
            together = two_steps(jnp.asarray(gradients))
            alone = jnp.concatenate([two_steps(jnp.asarray(gradients[k : k + 1])) for k in range(3)])
        return bool(np.allclose(together, alone, rtol=1e-6, atol=0))
    except Exception:  # a rule of matrices alone may refuse a single number
        return False


def whole_map(method: Method, hessian: np.ndarray, n_steps: int = 0) -> Callable[[float], np.ndarray]:
    """The Jacobian of any rule on all coordinates at once, where `hessian` is the curvature, as a function of the rate.

    Shape (m, m) for m numbers of point and memory; NotLinearError where there is none.
    """
    n = len(hessian)
    on_all = method.on(Structure.of(np.zeros(n))[0])
    state = _at_rest(on_all, n_steps, n)
    leaves, treedef = tree_util.tree_flatten(state)
    memory = _Memory(on_all, treedef, [_varies(on_all, state, k) for k in range(len(leaves))], leaves)
    size = n + sum(np.size(leaf) for leaf in memory.flat(state))

    @jax.jit
    def at_rest(rate: Any) -> tuple[Any, Any]:
        moved = functools.partial(_moved, memory, rate=rate, hessian=jnp.asarray(hessian))
        return moved(jnp.zeros(size)), jax.jacfwd(moved)(jnp.zeros(size))

    def jacobian(rate: float) -> np.ndarray:
        try:
            with jax.enable_x64(True):
                rest, found = (np.asarray(part) for part in at_rest(np.asarray(float(rate))))
        except NotLinearError:
            raise
        except Exception as error:
            raise NotLinearError(f"it cannot be differentiated ({_one_line(error)})") from error
        if not np.isfinite(found).all():
            raise NotLinearError("it has no derivative where the gradient is zero")
        if np.abs(rest[:n]).max() > _AT_REST:
            raise NotLinearError("it moves where the gradient is zero, as weight decay does")
        return np.asarray(found)

    return jacobian


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
