// The setting that a function begins with: its own ranges, start and rate where nothing else was asked for.

import type { FunctionInfo } from "./answers";
import type { Change, Setting } from "./setting";

export function settingFor(found: FunctionInfo, present: Setting, change: Change & { readonly fun: string }): Setting {
  const { slice: _, ...kept } = present;
  const method = change.method ?? kept.method;
  return {
    ...kept,
    noise: 0,
    cosine: null,
    learning_rate: found.learning_rates[method]?.default ?? null,
    ...change,
    ranges: change.ranges?.length === found.ranges.length ? change.ranges : found.ranges,
    start: change.start?.length === found.n_variables ? change.start : found.start,
    ...(found.slice ? { slice: change.slice ?? { principal: true } } : {}),
  };
}
