// What is descended and how: the one object that all requests share and that the URL holds.

export type Range = readonly [number, number];

export interface Slice {
  readonly origin?: readonly number[];
  readonly directions?: readonly (readonly number[])[];
  readonly principal?: boolean;
  readonly axes?: readonly number[];
}

export interface Setting {
  readonly fun: string;
  readonly ranges: readonly Range[];
  readonly start: readonly number[];
  readonly method: string;
  readonly coefficients: Readonly<Record<string, number>>;
  /** Null is the method's own: a line search, or its default. */
  readonly learning_rate: number | null;
  readonly decay: number | null;
  readonly cosine: number | null;
  readonly noise: number;
  readonly seed: number;
  readonly max_steps: number;
  readonly gradient_tolerance: number | null;
  readonly slice?: Slice;
}

export type Change = Partial<Setting>;

export const FIRST: Setting = {
  fun: "bowl_2d",
  ranges: [],
  start: [],
  method: "gradient_descent",
  coefficients: {},
  learning_rate: 0.1,
  decay: null,
  cosine: null,
  noise: 0,
  seed: 0,
  max_steps: 300,
  gradient_tolerance: 1e-6,
};

/** Which tab is open, where its marble is, and what the tab itself keeps. */
export interface Shown {
  readonly view: string;
  readonly step?: number;
  readonly more?: string;
}

const list = (numbers: readonly number[]): string => numbers.join(",");
const numbersOf = (text: string): number[] => text.split(",").filter(Boolean).map(Number);

/** The setting as the part of a URL behind `#`; numbers with all their digits. */
export function toHash(setting: Setting, { view, step = 0, more = "" }: Shown): string {
  const words = new URLSearchParams({ f: setting.fun });
  words.set("r", setting.ranges.map(list).join(";"));
  words.set("s", list(setting.start));
  words.set("m", setting.method);
  for (const [name, value] of Object.entries(setting.coefficients)) words.set(`c.${name}`, String(value));
  words.set("a", setting.learning_rate === null ? "auto" : String(setting.learning_rate));
  if (setting.decay !== null) words.set("d", String(setting.decay));
  if (setting.cosine !== null) words.set("cos", String(setting.cosine));
  if (setting.noise) words.set("n", `${setting.noise},${setting.seed}`);
  words.set("k", String(setting.max_steps));
  if (setting.gradient_tolerance !== FIRST.gradient_tolerance)
    words.set("t", String(setting.gradient_tolerance ?? "none"));
  if (setting.slice) words.set("slice", JSON.stringify(setting.slice));
  if (view !== "descend") words.set("v", view);
  if (step > 0) words.set("step", String(step));
  if (more) words.set("x", more);
  return `#${String(words).replaceAll("+", "%20")}`;
}

/** What a URL says, as far as it can be read; the rest is left to the function's own defaults. */
export function fromHash(hash: string): { change: Change } & Required<Shown> {
  // A plus is one, also in an address that a person typed.
  const words = new URLSearchParams(hash.replace(/^#/, "").replaceAll("+", "%2B"));
  const change: { -readonly [K in keyof Setting]?: Setting[K] } = {};
  const finite = (key: string): number | undefined => {
    const value = words.get(key);
    return value !== null && value !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
  };
  const fun = words.get("f");
  if (fun) change.fun = fun;
  const ranges = (words.get("r") ?? "").split(";").filter(Boolean).map(numbersOf);
  if (ranges.length > 0 && ranges.every((pair) => pair.length === 2 && pair.every(Number.isFinite))) {
    change.ranges = ranges as unknown as Range[];
  }
  const start = numbersOf(words.get("s") ?? "");
  if (start.length > 0 && start.every(Number.isFinite)) change.start = start;
  const method = words.get("m");
  if (method) change.method = method;
  const coefficients = [...words].filter(([key, value]) => key.startsWith("c.") && Number.isFinite(Number(value)));
  if (coefficients.length > 0) {
    change.coefficients = Object.fromEntries(coefficients.map(([key, value]) => [key.slice(2), Number(value)]));
  }
  const rate = finite("a");
  if (rate !== undefined) change.learning_rate = rate;
  else if (words.get("a") === "auto") change.learning_rate = null;
  const [decay, cosine] = [finite("d"), finite("cos")];
  if (decay !== undefined) change.decay = decay;
  if (cosine !== undefined) change.cosine = cosine;
  const [noise, seed] = numbersOf(words.get("n") ?? "");
  if (noise !== undefined && seed !== undefined && Number.isFinite(noise + seed))
    Object.assign(change, { noise, seed });
  const steps = finite("k");
  if (steps !== undefined) change.max_steps = steps;
  const tolerance = finite("t");
  if (tolerance !== undefined) change.gradient_tolerance = tolerance;
  else if (words.get("t") === "none") change.gradient_tolerance = null;
  const slice = words.get("slice");
  if (slice) change.slice = sliceOf(slice);
  return { change, view: words.get("v") ?? "descend", step: finite("step") ?? 0, more: words.get("x") ?? "" };
}

function sliceOf(text: string): Slice {
  try {
    return JSON.parse(text) as Slice;
  } catch {
    return { principal: true };
  }
}
