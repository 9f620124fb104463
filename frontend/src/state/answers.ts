// What Python answers: the shapes of docs/laboratory.md. Nothing else in the page knows them.

import type { Grid } from "../backend/backend";
import type { Change, Range, Setting, Slice } from "./setting";

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
  readonly opening?: string | null;
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
  readonly slice?: Slice | null;
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

export interface Limits {
  readonly zigzag_from: number | null;
  readonly best_rate: number | null;
  readonly largest_stable: number | null;
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
  readonly limits?: Limits | null;
  readonly multipliers?: Grid | null;
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
}

export interface Dropped {
  readonly ends: Grid;
  readonly which: Grid;
  readonly minima: readonly (KnownMinimum & { readonly count: number })[];
  readonly paths: readonly Grid[];
}

export interface Race {
  readonly runs: readonly (Run & { readonly title: string })[];
  readonly winner_by_steps: number | null;
  readonly winner_by_loss: number | null;
  readonly words: string;
}

export interface Challenge {
  readonly rule: string;
  readonly met: boolean;
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
  readonly right?: boolean;
  readonly answer?: string;
  readonly words?: string;
  readonly run?: Run;
}

export interface Code {
  readonly python: string;
  readonly command: string;
}

export interface SavedRun {
  readonly name: string;
  readonly content: string;
}

export interface OpenedRun {
  readonly setting: Setting;
  readonly run: Run;
}

/** A number that JSON could not hold comes as a text. */
export const asNumber = (value: number | string | null | undefined): number =>
  typeof value === "string" ? Number(value.replace("inf", "Infinity")) : (value ?? NaN);
