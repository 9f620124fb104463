// What is asked of Python for a setting: of each kind one request at a time, and then the newest.

import type { Backend } from "../backend/backend";
import type { Fan, Limits, Run, Surface } from "./answers";
import { Latest } from "./latest";
import { fanParams, surfaceParams } from "./requests";
import type { Setting } from "./setting";

/** Who is told what came. */
export interface Answered {
  surface(surface: Surface): void;
  fan(fan: Fan, setting: Setting): void;
  limits(limits: Limits, setting: Setting): void;
  /** True where it is still wanted, and so is why it went so. */
  run(run: Run, setting: Setting): boolean;
  /** A request came through, or an error instead. */
  ended(error?: unknown): void;
}

export class Asking {
  private explaining: AbortController | undefined;
  private readonly surfaces = new Latest<Setting>((setting) => this.askSurface(setting));
  private readonly fans = new Latest<Setting>((setting) => this.askFan(setting));
  private readonly bounds = new Latest<Setting>((setting) => this.askLimits(setting));
  private readonly runs = new Latest<Setting>((setting) => this.askRun(setting));

  constructor(
    private readonly backend: Backend,
    private readonly answered: Answered,
  ) {}

  /** All that depends on more than what is drawn. */
  async descents(setting: Setting): Promise<void> {
    await Promise.all([this.fans.want(setting), this.runs.want(setting), this.bounds.want(setting)]);
  }

  surface(setting: Setting): Promise<void> {
    return this.surfaces.want(setting);
  }

  run(setting: Setting): Promise<void> {
    return this.runs.want(setting);
  }

  get isRunning(): boolean {
    return this.runs.isBusy;
  }

  /** Nobody waits for the explanation any more. */
  dropExplanation(): void {
    this.explaining?.abort();
  }

  async fetch(method: string, params: object, take: (answer: unknown) => void, signal?: AbortSignal): Promise<void> {
    try {
      take(await this.backend.call(method, params, { signal }));
      this.answered.ended();
    } catch (error) {
      this.answered.ended(error);
    }
  }

  private askSurface(setting: Setting): Promise<void> {
    return this.fetch("surface", surfaceParams(setting), (answer) => this.answered.surface(answer as Surface));
  }

  private askFan(setting: Setting): Promise<void> {
    return this.fetch("fan", fanParams(setting), (answer) => this.answered.fan(answer as Fan, setting));
  }

  private askLimits(setting: Setting): Promise<void> {
    return this.fetch("limits", fanParams(setting), (answer) => this.answered.limits(answer as Limits, setting));
  }

  /** First the steps, which are quick; then why it went so, which tries what would help. */
  private async askRun(setting: Setting): Promise<void> {
    let isWanted = false;
    await this.fetch("run", { ...setting, explain: false }, (answer) => {
      isWanted = this.answered.run(answer as Run, setting);
    });
    if (isWanted) void this.explain(setting);
  }

  private explain(setting: Setting): Promise<void> {
    this.dropExplanation();
    const explaining = new AbortController();
    this.explaining = explaining;
    const take = (answer: unknown): void => void this.answered.run(answer as Run, setting);
    return this.fetch("run", setting, take, explaining.signal);
  }
}
