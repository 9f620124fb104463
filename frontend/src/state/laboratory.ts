// The state that all views share: the setting, and what Python answered to it. Views listen, and ask for changes here.

import { asRefusal, type Backend, isNotBaked, type Refusal, wasCancelled } from "../backend/backend";
import {
  type Fan,
  type FunctionInfo,
  type Hello,
  type Limits,
  type MethodInfo,
  numbersOf,
  type OpenedRun,
  type Placed,
  type Problem,
  type Run,
  type Surface,
} from "./answers";
import { Latest } from "./latest";
import { News } from "./news";
import { multiplierAt } from "./multiplier";
import { nearestRate, type Path, pathOfFan, pathOfRun } from "./path";
import { fanParams, functionParams, type Request, requestsOf, surfaceParams } from "./requests";
import { settingFor } from "./setting_for";
import { type Change, FIRST, type Setting } from "./setting";

export type Topic =
  | "hello"
  | "setting"
  | "function"
  | "surface"
  | "fan"
  | "limits"
  | "path"
  | "run"
  | "trouble"
  | "step"
  | "play"
  | "tab";

export class Laboratory extends News<Topic> {
  hello: Hello | undefined;
  setting: Setting = FIRST;
  problem: FunctionInfo | undefined;
  surface: Surface | undefined;
  fan: Fan | undefined;
  limits: Limits | undefined;
  /** What is shown: of the fan while a slider moves, then the run itself. */
  path: Path | undefined;
  trouble: Refusal | undefined;

  private asked = 0;
  /** What the fan that is there was computed for. */
  private shown: Setting | undefined;
  /** A run that was opened, and the setting that it belongs to. */
  private recorded: { readonly setting: Setting; readonly run: OpenedRun } | undefined;
  private explaining: AbortController | undefined;
  private readonly fans = new Latest<Setting>((setting) => this.fetchFan(setting));
  private readonly bounds = new Latest<Setting>((setting) => this.fetchLimits(setting));
  private readonly runs = new Latest<Setting>((setting) => this.fetchRun(setting));
  private readonly surfaces = new Latest<Setting>((setting) => this.fetchSurface(setting));

  constructor(readonly backend: Backend) {
    super();
  }

  async begin(change: Change): Promise<void> {
    try {
      this.hello = (await this.backend.call("hello", {})) as Hello;
      this.tell("hello");
      const first = change.fun ? change : { ...this.hello.opening, ...change };
      if (this.hello.shows && !change.fun) await this.open((await this.backend.call("shown", {})) as OpenedRun);
      else await this.useFunction(first.fun ?? this.hello.own[0]?.name ?? FIRST.fun, first);
    } catch (error) {
      this.complain(error);
    }
  }

  get n_variables(): number {
    return this.setting.start.length;
  }

  get method(): MethodInfo | undefined {
    return this.hello?.methods.find(({ name }) => name === this.setting.method);
  }

  named(fun: string): Problem | undefined {
    return [...(this.hello?.functions ?? []), ...(this.hello?.own ?? [])].find(({ name }) => name === fun);
  }

  /** Another function, with its own ranges, start and rate where `change` brings none. */
  async useFunction(fun: string, change: Change = {}): Promise<void> {
    const asked = ++this.asked;
    const known = this.named(fun);
    const n = change.start?.length;
    const early = known?.ranges && !change.ranges && !n ? this.surfaces.want(plain(fun, known.ranges)) : undefined;
    let found: FunctionInfo;
    try {
      found = (await this.backend.call("function", functionParams(fun, known, change))) as FunctionInfo;
    } catch (error) {
      return this.complain(error);
    }
    if (asked !== this.asked) return; // another one was chosen meanwhile
    this.problem = found;
    this.fan = this.limits = this.path = undefined;
    if (!early) this.surface = undefined;
    this.setting = settingFor(found, this.setting, { ...change, fun });
    this.useCoefficients();
    this.clearTrouble();
    this.tell("function", "setting");
    await Promise.all([early ?? this.surfaces.want(this.setting), this.refresh()]);
    if (early && this.surface) this.tell("surface");
  }

  /** A change of anything but the function; what depends on it is asked for again. */
  async change(change: Change): Promise<void> {
    if (change.fun !== undefined && change.fun !== this.setting.fun) return this.useFunction(change.fun, change);
    const methodChanged = change.method !== undefined && change.method !== this.setting.method;
    this.setting = { ...this.setting, ...change };
    if (methodChanged) {
      this.useCoefficients();
      const usual = this.problem?.learning_rates[this.setting.method]?.default;
      if (change.learning_rate === undefined) this.setting = { ...this.setting, learning_rate: usual ?? null };
    }
    this.tell("setting");
    const drawn = change.ranges || change.slice ? this.surfaces.want(this.setting) : undefined;
    await Promise.all([drawn, this.refresh()]);
  }

  /** The start under a point of the drawing; of more than two variables Python says where that is. */
  async placeAt(drawn: readonly number[]): Promise<void> {
    const { fun, slice, start } = this.setting;
    if (start.length <= 2) return this.change({ start: drawn });
    const params = { fun, at: drawn, n_variables: start.length, ...(slice ? { slice } : {}) };
    let placed: Placed | undefined;
    await this.fetch("place", params, (answer) => {
      placed = answer as Placed;
    });
    if (placed) await this.change({ start: numbersOf(placed.start) });
  }

  /** The rate's slider moves: a look-up in the fan that is there, and no request. */
  slideRate(index: number): void {
    if (!this.fan) return;
    this.path = pathOfFan(this.fan, index);
    this.setting = { ...this.setting, learning_rate: this.path.rate };
    this.explaining?.abort();
    this.tell("path");
  }

  /** The slider was let go, or a rate was typed: the exact run of that rate. */
  async settleRate(rate: number | null): Promise<void> {
    this.setting = { ...this.setting, learning_rate: rate };
    this.tell("setting");
    await this.runs.want(this.setting);
  }

  get rateIndex(): number {
    const { learning_rate } = this.setting;
    return this.fan && learning_rate !== null ? nearestRate(this.fan.rates.data, learning_rate) : 0;
  }

  /** A run that was recorded elsewhere: its own rows are shown, and not those of a repetition. */
  async open(opened: OpenedRun): Promise<void> {
    const { setting } = opened;
    if (setting?.fun) await this.useFunction(setting.fun, setting);
    this.recorded = { setting: this.setting, run: opened };
    this.takeRun(this.setting, this.path?.run ?? opened);
  }

  /** What an exported page has to hold, so that it shows what is shown now. */
  get requests(): readonly Request[] {
    return requestsOf(this.setting, this.named(this.setting.fun));
  }

  complain(error: unknown): void {
    if (wasCancelled(error)) return;
    if (isNotBaked(error) && this.shown) {
      const rate = this.path?.rate ?? null;
      if (rate === this.setting.learning_rate && this.setting.start === this.shown.start) return; // the fan has it
      this.setting = { ...this.shown, learning_rate: rate }; // an exported page stays where it was
      this.tell("setting");
    }
    this.trouble = asRefusal(error);
    this.tell("trouble");
  }

  private async refresh(): Promise<void> {
    const { setting } = this;
    await Promise.all([this.fans.want(setting), this.runs.want(setting), this.bounds.want(setting)]);
  }

  private useCoefficients(): void {
    const { coefficients } = this.setting;
    const own = this.method?.coefficients ?? [];
    const values = own.map(({ name, default: value }) => [name, coefficients[name] ?? value] as const);
    this.setting = { ...this.setting, coefficients: Object.fromEntries(values) };
  }

  private fetchSurface(setting: Setting): Promise<void> {
    return this.fetch("surface", surfaceParams(setting), (answer) => {
      this.surface = answer as Surface;
      this.tell("surface");
    });
  }

  private fetchFan(setting: Setting): Promise<void> {
    return this.fetch("fan", fanParams(setting), (answer) => {
      const fan = answer as Fan;
      if (setting.fun !== this.setting.fun || fan.path.shape[1] !== this.n_variables) return; // another was chosen
      this.fan = fan;
      this.shown = setting;
      const isAhead = this.runs.isBusy || !this.path;
      if (isAhead && this.setting.learning_rate !== null) this.path = pathOfFan(fan, this.rateIndex);
      else if (this.path?.behaviour === "") this.path = { ...this.path, behaviour: this.behaviourSeen };
      this.tell("fan", "path");
    });
  }

  private fetchLimits(setting: Setting): Promise<void> {
    return this.fetch("limits", fanParams(setting), (answer) => {
      if (setting.fun !== this.setting.fun) return;
      this.limits = answer as Limits;
      this.tell("limits");
    });
  }

  /** By what a step at the present rate multiplies a small distance from the minimum. */
  get multiplier(): number {
    return multiplierAt(this.limits, this.setting.learning_rate);
  }

  /** First the steps, which are quick; then why it went so, which tries what would help. */
  private async fetchRun(setting: Setting): Promise<void> {
    await this.fetch("run", { ...setting, explain: false }, (answer) => this.takeRun(setting, answer as Run));
    if (setting === this.setting) void this.explain(setting);
  }

  private explain(setting: Setting): Promise<void> {
    this.explaining?.abort();
    const explaining = new AbortController();
    this.explaining = explaining;
    return this.fetch("run", setting, (answer) => this.takeRun(setting, answer as Run), explaining.signal);
  }

  private takeRun(setting: Setting, run: Run): void {
    if (setting.fun !== this.setting.fun || setting.learning_rate !== this.setting.learning_rate) return; // moved on
    const own = setting === this.recorded?.setting ? this.recorded.run : {}; // its words are new, its rows are not
    this.path = pathOfRun({ ...run, ...own }, setting.learning_rate, this.behaviourSeen);
    this.tell("path", "run");
  }

  /** What the fan says of the present rate, until the explanation comes; nothing where it is none of the fan's. */
  private get behaviourSeen(): string {
    const { fan, rateIndex } = this;
    return fan?.rates.data[rateIndex] === this.setting.learning_rate ? (fan?.behaviour[rateIndex] ?? "") : "";
  }

  private clearTrouble(): void {
    if (!this.trouble) return;
    this.trouble = undefined;
    this.tell("trouble");
  }

  private async fetch(
    method: string,
    params: object,
    take: (answer: unknown) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    try {
      take(await this.backend.call(method, params, { signal }));
      this.clearTrouble();
    } catch (error) {
      this.complain(error);
    }
  }
}

const plain = (fun: string, ranges: Setting["ranges"]): Setting => ({ ...FIRST, fun, ranges });
