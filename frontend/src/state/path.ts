// The steps of one descent, as rows: of the exact run, or of one rate of the fan. The table and the drawings read it.

import type { Fan, Rows, Run } from "./answers";

export interface Path {
  readonly rate: number | null;
  readonly n_rows: number;
  readonly n_variables: number;
  /** Row after row, `n_variables` numbers each. */
  readonly points: Float64Array;
  /** The same as drawn: of more than two variables, two numbers each. */
  readonly drawn: Float64Array;
  readonly n_drawn: number;
  readonly losses: Float64Array;
  readonly gradient_norms: Float64Array;
  readonly slopes: Float64Array | undefined;
  /** Of each step; nothing where they are not known, as of a fan whose rates fall. */
  readonly rates: ArrayLike<number> | undefined;
  readonly status: string;
  readonly behaviour: string;
  /** The run of `minimize` itself, once it has come. */
  readonly run: Run | null;
}

export function pathOfRun(run: Run, rate: number | null, behaviour = ""): Path {
  const rows = rowsOf(run, 0, run.losses.data.length);
  const rates = run.learning_rates.data;
  return { ...rows, rate, rates, status: run.status, behaviour: run.behaviour ?? behaviour, run };
}

type Many = Rows & Pick<Fan, "first" | "lengths" | "status" | "behaviour"> & Partial<Pick<Fan, "rates">>;

/** The rows of one of a fan's rates, or of one of many marbles: views, nothing is copied. */
export function pathOfFan(fan: Many, index: number, isConstant = false): Path {
  const rows = rowsOf(fan, fan.first.data[index] ?? 0, fan.lengths.data[index] ?? 0);
  const rate = fan.rates?.data[index] ?? null;
  return {
    ...rows,
    rate,
    rates: isConstant && rate !== null ? new Float64Array(rows.n_rows).fill(rate) : undefined,
    status: fan.status[index] ?? "",
    behaviour: fan.behaviour[index] ?? "",
    run: null,
  };
}

function rowsOf({ path, drawn, losses, gradient_norms, slopes }: Rows, first: number, n_rows: number) {
  const n_variables = path.shape[1] ?? 1;
  const last = first + n_rows;
  const points = path.data.subarray(first * n_variables, last * n_variables);
  return {
    n_rows,
    n_variables,
    points,
    drawn: drawn ? drawn.data.subarray(2 * first, 2 * last) : points,
    n_drawn: drawn ? 2 : n_variables,
    losses: losses.data.subarray(first, last),
    gradient_norms: gradient_norms.data.subarray(first, last),
    slopes: slopes?.data.subarray(first, last),
  };
}

/** Where a row is drawn, along the first or the second axis. */
export const drawnAt = (path: Path, row: number, axis: number): number => path.drawn[row * path.n_drawn + axis] ?? NaN;

export const coordinate = (path: Path, row: number, variable: number): number =>
  path.points[row * path.n_variables + variable] ?? NaN;

export const pointOf = (path: Path, row: number): number[] =>
  Array.from(path.points.subarray(row * path.n_variables, (row + 1) * path.n_variables));

/** The rate of the step that a row begins; NaN of the last row, which begins none, and where it is not known. */
export const rateAt = (path: Path, row: number): number => (row < path.n_rows - 1 ? (path.rates?.[row] ?? NaN) : NaN);

/** The fan's rate next to `rate`; they are geometric, so by logarithm. */
export function nearestRate(rates: Float64Array, rate: number): number {
  let low = 0;
  let high = rates.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((rates[middle] ?? 0) <= rate) low = middle;
    else high = middle;
  }
  const below = Math.abs(Math.log(rate / (rates[low] ?? 1)));
  const above = Math.abs(Math.log((rates[high] ?? 1) / rate));
  return above < below ? high : low;
}

/** What the fan says of a rate; nothing where it is none of the fan's. */
export function behaviourAt({ rates, behaviour }: Pick<Fan, "rates" | "behaviour">, rate: number): string {
  const index = nearestRate(rates.data, rate);
  return rates.data[index] === rate ? (behaviour[index] ?? "") : "";
}

/** The rows as text: one line a step, every digit. */
export function toCsv(path: Path, variables: readonly string[]): string {
  const head = ["step", ...variables, "loss", "gradient_norm", "learning_rate"].join(",");
  const lines = Array.from({ length: path.n_rows }, (_, row) => {
    const rate = rateAt(path, row);
    return [
      row,
      ...pointOf(path, row),
      path.losses[row],
      path.gradient_norms[row],
      Number.isNaN(rate) ? "" : rate,
    ].join();
  });
  return `${[head, ...lines].join("\n")}\n`;
}
