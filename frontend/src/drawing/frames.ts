// One requestAnimationFrame for all: what has changed is drawn once a frame, and nothing while nothing moves.

export class Frames {
  private readonly drawings = new Set<() => void>();
  private readonly animations = new Set<(now: number) => boolean>();
  private asked = false;

  /** Draws at the next frame; asked twice, it still draws once. */
  draw(drawing: () => void): void {
    this.drawings.add(drawing);
    this.ask();
  }

  /** Calls at each frame until the answer is false. */
  animate(animation: (now: number) => boolean): void {
    this.animations.add(animation);
    this.ask();
  }

  stop(): void {
    this.drawings.clear();
    this.animations.clear();
  }

  private ask(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(this.frame);
  }

  private readonly frame = (now: number): void => {
    this.asked = false;
    for (const animation of [...this.animations]) if (!animation(now)) this.animations.delete(animation);
    const drawings = [...this.drawings];
    this.drawings.clear();
    for (const drawing of drawings) drawing();
    if (this.animations.size > 0 || this.drawings.size > 0) this.ask();
  };
}
