"""Lanes side by side in memory, the axis of lanes last, where vector instructions run along it; and what XLA is told.

XLA writes one array in each pass over the lanes. So what bounds the speed of a block is how many arrays a step
changes (nine for plain gradient descent), more than the arithmetic in between.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jax.experimental.layout import Layout, with_layout_constraint


def each_lane(function: Callable[..., Any], *arguments: Any) -> Any:
    """A function of one lane, of all lanes."""
    return jax.vmap(function, in_axes=-1, out_axes=-1)(*arguments)


def gradients_side_by_side(value_and_gradient: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function, whose gradients lie side by side where it is mapped over lanes."""

    @custom_vmap
    def of_lane(x: Any) -> Any:
        return value_and_gradient(x)

    @of_lane.def_vmap
    def of_lanes(n_lanes: int, is_mapped: Any, x: Any) -> Any:
        loss, gradient = each_lane(value_and_gradient, jnp.moveaxis(x, 0, -1))
        return (loss, jnp.moveaxis(side_by_side(gradient), -1, 0)), (True, True)

    return of_lane


@functools.cache
def quicker_options() -> dict[str, Any]:
    """Options of XLA that make the loop quicker, as far as this version knows them.

    Vectors as long as the processor has them, where XLA stops at half; and fewer copies of what a loop carries.
    """

    def is_known(name: str, setting: Any) -> bool:
        try:
            jax.jit(lambda: 0, compiler_options={name: setting}).lower().compile()
        except Exception:
            return False
        return True

    options = {"xla_cpu_prefer_vector_width": "512", "xla_cpu_copy_insertion_use_region_analysis": True}
    return {name: setting for name, setting in options.items() if is_known(name, setting)}


def side_by_side(array: Any) -> Any:
    """The lanes next to one another in memory; left alone, XLA sometimes puts the components of a point there."""
    if array.ndim == 1:
        return array
    return with_layout_constraint(array, Layout(tuple(range(array.ndim))))  # type: ignore[no-untyped-call]


def made(arrays: Any) -> Any:
    """The arrays, worked out once; XLA would otherwise work out anew each element that is gathered from them."""
    return lax.optimization_barrier(arrays)  # type: ignore[no-untyped-call]


def columns(array: Any, which: Any) -> Any:
    """These lanes of an array; `which` is never out of bounds."""
    return array.at[..., which].get(mode="promise_in_bounds")
