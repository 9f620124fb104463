// A request that a slider makes again and again: one under way at a time, and then the newest one.

export class Latest<T> {
  private next: T | undefined;
  private busy = false;

  constructor(private readonly perform: (wanted: T) => Promise<void>) {}

  get isBusy(): boolean {
    return this.busy;
  }

  async want(wanted: T): Promise<void> {
    this.next = wanted;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.next !== undefined) {
        const now = this.next;
        this.next = undefined;
        await this.perform(now);
      }
    } finally {
      this.busy = false;
    }
  }
}
