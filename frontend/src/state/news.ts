// Who wants to know of a change, and of which.

export class News<Topic extends string> {
  private readonly listeners = new Map<Topic, Set<() => void>>();

  private made: Set<() => void> | undefined;

  /** Makes something that listens, and lets it hear at once what was told before it was there. */
  catchUp<T>(make: () => T): T {
    const made = new Set<() => void>();
    this.made = made;
    const listener = make();
    this.made = undefined;
    for (const hear of made) hear();
    return listener;
  }

  on(topics: Topic | readonly Topic[], listener: () => void): void {
    this.made?.add(listener);
    for (const topic of typeof topics === "string" ? [topics] : topics) {
      const listeners = this.listeners.get(topic) ?? new Set();
      this.listeners.set(topic, listeners.add(listener));
    }
  }

  tell(...topics: readonly Topic[]): void {
    const told = new Set<() => void>();
    for (const topic of topics) for (const listener of this.listeners.get(topic) ?? []) told.add(listener);
    for (const listener of told) listener();
  }
}
