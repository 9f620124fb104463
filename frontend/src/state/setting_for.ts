// What a setting is completed with: the function's own ranges, start and rate, the method's own coefficients.

import type { FunctionInfo, MethodInfo } from "./answers";
import type { Change, Setting } from "./setting";

type Methods = readonly MethodInfo[];

/** The setting that a function begins with, where nothing else was asked for. */
export function settingFor(
  found: FunctionInfo,
  methods: Methods,
  present: Setting,
  change: Change & { readonly fun: string },
): Setting {
  const { slice: _, ...kept } = present;
  const method = change.method ?? kept.method;
  const chosen = {
    ...kept,
    noise: 0,
    cosine: null,
    learning_rate: found.learning_rates[method]?.default ?? null,
    ...change,
    ranges: change.ranges?.length === found.ranges.length ? change.ranges : found.ranges,
    start: change.start?.length === found.n_variables ? change.start : found.start,
    ...(found.slice ? { slice: change.slice ?? { principal: true } } : {}),
  };
  return withCoefficients(chosen, methods);
}

/** A change of anything but the function; another method brings its usual rate. */
export function settingAfter(
  change: Change,
  present: Setting,
  methods: Methods,
  found: FunctionInfo | undefined,
): Setting {
  const chosen = { ...present, ...change };
  if (chosen.method === present.method) return chosen;
  const usual = found?.learning_rates[chosen.method]?.default ?? null;
  return withCoefficients(
    { ...chosen, learning_rate: change.learning_rate === undefined ? usual : change.learning_rate },
    methods,
  );
}

function withCoefficients(setting: Setting, methods: Methods): Setting {
  const own = methods.find(({ name }) => name === setting.method)?.coefficients ?? [];
  const values = own.map(({ name, default: value }) => [name, setting.coefficients[name] ?? value] as const);
  return { ...setting, coefficients: Object.fromEntries(values) };
}
