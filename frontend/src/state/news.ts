// Who wants to know of a change, and of which.

export class News<Topic extends string> {
  private readonly listeners = new Map<Topic, Set<() => void>>();

  on(topics: Topic | readonly Topic[], listener: () => void): void {
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
