// A backend that tells whether an answer is being waited for.

import type { Backend, CallOptions } from "./backend";

export class BusyBackend implements Backend {
  private waiting = 0;

  constructor(
    private readonly backend: Backend,
    private readonly tell: (isBusy: boolean) => void,
  ) {}

  async call(method: string, params: object, options?: CallOptions): Promise<unknown> {
    if (++this.waiting === 1) this.tell(true);
    try {
      return await this.backend.call(method, params, options);
    } finally {
      // Not at once: who waited for this answer may ask for the next one.
      setTimeout(() => --this.waiting === 0 && this.tell(false), 0);
    }
  }

  close(): void {
    this.backend.close();
  }
}
