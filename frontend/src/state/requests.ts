// What the page asks Python for, as params. An exported page holds the answers to exactly these.

import type { Problem } from "./answers";
import type { Change, Setting } from "./setting";

export interface Request {
  readonly method: string;
  readonly params: object;
}

const N_RATES = 256;
const POINTS_OF_LINE = 801;
const POINTS_OF_SIDE = 101;

export function functionParams(fun: string, known: Problem | undefined, { start, slice }: Change): object {
  const size = start && (!known || known.any_size) ? { n_variables: start.length } : {};
  return { fun, ...size, ...(slice ? { slice } : {}) };
}

export function surfaceParams({ fun, ranges, slice, start }: Setting): object {
  const resolution = ranges.length === 1 ? POINTS_OF_LINE : POINTS_OF_SIDE;
  return { fun, ranges, resolution, ...(slice ? { slice, n_variables: start.length } : {}) };
}

/** Of the fan, and of the limits at its rates. */
export const fanParams = (setting: Setting): object => ({ ...setting, n_rates: N_RATES });

/** All that a page asks for which begins with this setting; the largest answer last, which is thinned to fit. */
export const requestsOf = (setting: Setting, known: Problem | undefined): readonly Request[] => [
  { method: "hello", params: {} },
  { method: "function", params: functionParams(setting.fun, known, setting) },
  { method: "surface", params: surfaceParams(setting) },
  { method: "run", params: { ...setting, explain: false } },
  { method: "run", params: setting },
  { method: "limits", params: fanParams(setting) },
  { method: "code", params: setting },
  { method: "fan", params: fanParams(setting) },
];
