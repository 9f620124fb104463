// What the page asks of Python, whichever way the messages travel.

/** Numbers in rows, as they came: nothing is rounded or copied on the way to the drawing. */
export interface Grid {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Backend {
  /** Resolves to the `result` of the answer; rejects with a Refusal that holds its `error`. */
  call(method: string, params: object, options?: CallOptions): Promise<unknown>;
  close(): void;
}

export interface Complaint {
  readonly kind: string;
  readonly message: string;
  /** Where in a formula, counted from 1; null where it is no one place. */
  readonly column?: number | null;
  readonly parameter?: string | null;
}

/** Python said no, or could not be reached. */
export class Refusal extends Error {
  readonly kind: string;
  readonly column: number | undefined;
  readonly parameter: string | undefined;

  constructor(complaint: Complaint) {
    super(complaint.message);
    this.name = "Refusal";
    this.kind = complaint.kind;
    this.column = complaint.column ?? undefined;
    this.parameter = complaint.parameter ?? undefined;
  }
}

export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal({ kind: "page", message: error instanceof Error ? error.message : String(error) });
}

export const wasCancelled = (error: unknown): boolean => error instanceof Refusal && error.kind === "cancelled";

/** An exported page does not hold the answer. */
export const isNotBaked = (error: unknown): boolean => error instanceof Refusal && error.kind === "not_baked";
