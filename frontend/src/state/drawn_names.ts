// What the axes of the drawing are called: the variables, or what a slice through more than two of them runs along.

import { type FunctionInfo, numbersOf } from "./answers";
import { short } from "./numbers";
import type { Slice } from "./setting";

/** What nobody sees in a slice, whose ranges are wider than 1: an origin that was found is seldom exactly 0. */
const UNSEEN = 1e-6;

/** Along two of the variables it is drawn from the slice's origin, which the name then says. */
export function drawnNames(problem: FunctionInfo | undefined, slice: Slice | undefined): readonly string[] {
  const { variables = ["x", "y"] } = problem ?? {};
  if (variables.length <= 2) return variables;
  const { axes } = slice ?? {};
  if (!axes) return ["first direction", "second direction"];
  const origin = numbersOf(problem?.slice?.origin ?? []);
  return axes.map((axis) => from(variables[axis] ?? "", origin[axis] ?? 0));
}

function from(name: string, origin: number): string {
  if (Math.abs(origin) < UNSEEN) return name;
  return origin > 0 ? `${name} \u2212 ${short(origin, 4)}` : `${name} + ${short(-origin, 4)}`;
}
