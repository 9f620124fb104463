// What Python answers: the shapes of docs/laboratory.md. Nothing else in the page knows them.

import type { Grid } from "../backend/backend";
import type { Change, Range, Setting } from "./setting";

export interface KnownMinimum {
  readonly x: readonly number[];
  readonly loss: number;
}

export interface Problem {
  readonly name: string;
  readonly title: string;
  readonly formula?: string;
  readonly variables: readonly string[];
  readonly n_variables: number;
  /** Null where a slice is drawn. */
  readonly ranges: readonly Range[] | null;
  readonly start: readonly number[];
  readonly minima?: readonly KnownMinimum[];
  readonly any_size?: boolean;
}

export interface Coefficient {
  readonly name: string;
  readonly default: number;
  readonly interval: string;
  readonly meaning?: string;
}

export interface MethodInfo {
  readonly name: string;
  readonly title: string;
  readonly summary?: string;
  readonly coefficients: readonly Coefficient[];
}

export interface Hello {
  readonly version: string;
  readonly functions: readonly Problem[];
  readonly methods: readonly MethodInfo[];
  readonly own: readonly Problem[];
  readonly limits: Readonly<Record<string, number>>;
  readonly quiz: readonly { readonly name: string; readonly title: string }[];
  /** A piece of setting to show first. */
  readonly opening: Change | null;
  /** Whether there is a run to show then, which `shown` answers. */
  readonly shows: boolean;
  /** Whether there is a training to follow, which `training` answers. */
  readonly trains: boolean;
}

/** A training under way: what is known by now. `sentences` and `slice` come at its end. */
export interface Training {
  readonly title: string;
  readonly status: string;
  readonly step?: number;
  readonly n_steps?: number;
  readonly epoch?: number;
  readonly loss?: number;
  readonly rate?: number;
  readonly gradient?: number;
  readonly rows_per_second?: number;
  readonly seconds_left?: number;
  /** Mean, lowest and highest loss of the batches from each step on. */
  readonly batches?: Readonly<Record<"step" | "loss" | "low" | "high", Grid>>;
  readonly epochs?: Readonly<Record<"step" | "loss" | "validation" | "sharpness", Grid>>;
  readonly message?: string;
  readonly notes?: readonly string[];
  readonly sentences?: readonly string[];
  readonly slice?: (Surface & { readonly path: Grid; readonly explained: number }) | null;
  readonly no_slice?: string;
}

export interface FunctionInfo {
  readonly name: string;
  readonly title: string;
  readonly formula: string;
  readonly variables: readonly string[];
  readonly n_variables: number;
  readonly ranges: readonly Range[];
  readonly start: readonly number[];
  /** Of each method: the slider's ends, and where it stands at first. */
  readonly learning_rates: Readonly<Record<string, { readonly interval: Range; readonly default: number }>>;
  readonly minima: readonly KnownMinimum[];
  readonly slice?: { readonly origin: Grid | readonly number[] } | null;
}

/** One variable: `x`, `z`, `slope`. More: `x`, `y` and `z`, which has a row for each y. */
export interface Surface {
  readonly x: Grid;
  readonly y?: Grid;
  readonly slope?: Grid;
  readonly z: Grid;
  readonly low: number;
  readonly high: number;
}

/** At the minimum below the start; where none was found, `why` says so and the numbers are null. */
export interface Limits {
  readonly found: boolean;
  readonly why?: string;
  readonly x?: readonly number[] | null;
  readonly zigzag_from: number | null;
  readonly best_rate: number | null;
  readonly largest_stable: number | null;
  readonly rates: Grid | null;
  /** Real and imaginary part for each rate. */
  readonly multipliers: Grid | null;
}

/** What a run and each of a fan's runs have: columns of equally many rows. */
export interface Rows {
  readonly path: Grid;
  /** Where each row is drawn, where a slice is. */
  readonly drawn?: Grid;
  readonly losses: Grid;
  readonly gradient_norms: Grid;
  /** The derivative, for one variable. */
  readonly slopes?: Grid;
}

/** The runs of all rates, one after another: the k-th begins at row `first[k]` and has `lengths[k]` rows. */
export interface Fan extends Rows {
  readonly rates: Grid;
  readonly first: Grid;
  readonly lengths: Grid;
  readonly status: readonly string[];
  readonly behaviour: readonly string[];
  readonly max_steps: number;
}

export interface Suggestion {
  readonly words: string;
  /** Null where a setting cannot say it. */
  readonly change: Change | null;
}

export interface Multiplier {
  readonly real: number;
  readonly imaginary: number;
  readonly size: number;
}

export interface Run extends Rows {
  readonly learning_rates: Grid;
  readonly x: Grid;
  readonly loss: number;
  readonly n_steps: number;
  readonly status: string;
  readonly converged: boolean;
  readonly message: string;
  readonly notes: readonly string[];
  readonly behaviour?: string;
  readonly sentences?: readonly string[];
  readonly suggestion?: Suggestion | null;
  readonly quicker?: Suggestion | null;
  readonly multiplier?: Multiplier | null;
}

export interface Basins {
  readonly which: Grid;
  readonly steps: Grid;
  readonly minima: readonly (KnownMinimum & { readonly share: number })[];
  readonly message: string;
}

export interface Dropped extends Rows {
  readonly first: Grid;
  readonly lengths: Grid;
  readonly starts: Grid;
  readonly which: Grid;
  readonly status: readonly string[];
  readonly behaviour: readonly string[];
  readonly minima: readonly (KnownMinimum & { readonly count: number })[];
  readonly message: string;
}

export interface Race {
  readonly runs: readonly (Run & { readonly label: string })[];
  readonly winner_by_steps: number | null;
  readonly winner_by_loss: number | null;
  readonly words: string;
  /** Rows by entrants: how much each loss lies above the lowest at that step. */
  readonly differences: Grid;
}

export interface Challenge {
  readonly rule: string;
  readonly met: boolean;
  readonly x_25: number | string;
  readonly limit: number;
  readonly share: number;
  readonly words: string;
  readonly run: Run;
}

export interface Choice {
  readonly name: string;
  readonly words: string;
}

export interface Quiz {
  readonly question: string;
  readonly choices: readonly Choice[];
  readonly setting: Setting;
  readonly tripled: Setting;
  readonly first: Run;
  readonly right?: boolean;
  readonly truth?: string;
  readonly words?: string;
  readonly second?: Run;
}

export interface Code {
  readonly python: string;
  readonly command: string | null;
  readonly no_command?: string;
}

export interface SavedRun {
  readonly name: string;
  readonly content: string;
}

export interface OpenedRun extends Run {
  /** Null where the run is of a Python function that is not at hand. */
  readonly setting: Change | null;
  readonly title: string;
}

/** Where a click on a slice lands. */
export interface Placed {
  readonly start: Grid | readonly number[];
  readonly loss: number;
}

export const numbersOf = (list: Grid | readonly number[]): readonly number[] =>
  "data" in list ? Array.from(list.data) : list;

/** A number that JSON could not hold comes as a text. */
export const asNumber = (value: number | string | null | undefined): number =>
  typeof value === "string" ? Number(value.replace("inf", "Infinity")) : (value ?? NaN);
