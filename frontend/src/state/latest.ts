// A request that a slider makes again and again: one under way at a time, and then the newest one.

export class Latest<T> {
  private next: T | undefined;
  private working: Promise<void> | undefined;

  constructor(private readonly perform: (wanted: T) => Promise<void>) {}

  get isBusy(): boolean {
    return this.working !== undefined;
  }

  /** Resolves when this one has been performed, or a newer one in its place. */
  want(wanted: T): Promise<void> {
    this.next = wanted;
    this.working ??= this.work();
    return this.working;
  }

  private async work(): Promise<void> {
    try {
      while (this.next !== undefined) {
        const now = this.next;
        this.next = undefined;
        await this.perform(now);
      }
    } finally {
      this.working = undefined;
    }
  }
}
