// The state that all views share: the setting, and what Python answered to it. Views listen, and ask for changes here.

import { asRefusal, type Backend, isNotBaked, Refusal, wasCancelled } from "../backend/backend";
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
import { Asking } from "./asking";
import { News } from "./news";
import { multiplierAt } from "./multiplier";
import { behaviourAt, nearestRate, type Path, pathOfFan, pathOfRun } from "./path";
import { functionParams, type Request, requestsOf } from "./requests";
import { settingAfter, settingFor } from "./setting_for";
import { type Change, FIRST, type Setting } from "./setting";
import type { Topic } from "./topic";

/** What a view that borrows the laboratory gives back: the setting, and the run where one was opened. */
export interface Present {
  readonly setting: Setting;
  readonly opened: OpenedRun | undefined;
}

/** The kind of trouble with what an address asked for. */
const ADDRESS = "address";

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
  private readonly asking: Asking;

  constructor(readonly backend: Backend) {
    super();
    this.asking = new Asking(backend, {
      surface: (surface) => {
        this.surface = surface;
        this.tell("surface");
      },
      fan: (fan, setting) => this.takeFan(fan, setting),
      limits: (limits, setting) => this.takeLimits(limits, setting),
      run: (run, setting) => this.takeRun(run, setting),
      ended: (error) => (error === undefined ? this.clearTrouble() : this.complain(error)),
    });
  }

  async begin(change: Change): Promise<void> {
    try {
      const hello = (await this.backend.call("hello", {})) as Hello;
      this.hello = hello;
      this.tell("hello");
      const { method, ...others } = change;
      const isUnknown = method !== undefined && !hello.methods.some(({ name }) => name === method);
      const asked = isUnknown ? others : change;
      const first = asked.fun ? asked : { ...hello.opening, ...asked };
      if (hello.shows && !asked.fun) await this.open((await this.backend.call("shown", {})) as OpenedRun);
      else await this.useFunction(first.fun ?? hello.own[0]?.name ?? FIRST.fun, first);
      const message = `The address asks for the method "${method}", which is none of those here.`;
      if (isUnknown) this.complain(new Refusal({ kind: ADDRESS, message }));
    } catch (error) {
      this.complain(error);
    }
  }

  get n_variables(): number {
    return this.setting.start.length;
  }

  get method(): MethodInfo | undefined {
    return this.methods.find(({ name }) => name === this.setting.method);
  }

  private get methods(): readonly MethodInfo[] {
    return this.hello?.methods ?? [];
  }

  named(fun: string): Problem | undefined {
    return [...(this.hello?.functions ?? []), ...(this.hello?.own ?? [])].find(({ name }) => name === fun);
  }

  /** Another function, with its own ranges, start and rate where `change` brings none. */
  async useFunction(fun: string, change: Change = {}, opened?: OpenedRun): Promise<void> {
    const asked = ++this.asked;
    const known = this.named(fun);
    const n = change.start?.length;
    const early = known?.ranges && !change.ranges && !n ? this.asking.surface(plain(fun, known.ranges)) : undefined;
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
    this.setting = settingFor(found, this.methods, this.setting, { ...change, fun });
    this.recorded = opened && { setting: this.setting, run: opened };
    this.clearTrouble();
    this.tell("function", "setting");
    await Promise.all([early ?? this.asking.surface(this.setting), this.asking.descents(this.setting)]);
    if (early && this.surface) this.tell("surface");
  }

  /** A change of anything but the function; what depends on it is asked for again. */
  async change(change: Change): Promise<void> {
    if (change.fun !== undefined && change.fun !== this.setting.fun) return this.useFunction(change.fun, change);
    this.setting = settingAfter(change, this.setting, this.methods, this.problem);
    this.tell("setting");
    const drawn = change.ranges || change.slice || !this.surface ? this.asking.surface(this.setting) : undefined;
    await Promise.all([drawn, this.asking.descents(this.setting)]);
  }

  /** The start under a point of the drawing; of more than two variables Python says where that is. */
  async placeAt(drawn: readonly number[]): Promise<void> {
    const { fun, slice, start } = this.setting;
    if (start.length <= 2) return this.change({ start: drawn });
    const params = { fun, at: drawn, n_variables: start.length, ...(slice ? { slice } : {}) };
    const place = (answer: unknown): void => void this.change({ start: numbersOf((answer as Placed).start) });
    await this.asking.fetch("place", params, place);
  }

  /** The rate's slider moves: a look-up in the fan that is there, and no request. */
  slideRate(index: number): void {
    if (!this.fan) return;
    this.path = this.pathAt(this.fan, index);
    this.setting = { ...this.setting, learning_rate: this.path.rate };
    this.asking.dropExplanation();
    this.tell("path");
  }

  /** The slider was let go, or a rate was typed: the exact run of that rate. */
  async settleRate(rate: number | null): Promise<void> {
    this.setting = { ...this.setting, learning_rate: rate };
    this.tell("setting");
    await this.asking.run(this.setting);
  }

  get rateIndex(): number {
    const { learning_rate } = this.setting;
    return this.fan && learning_rate !== null ? nearestRate(this.fan.rates.data, learning_rate) : 0;
  }

  /** A run that was recorded elsewhere: its own rows are shown, and not those of a repetition. */
  async open(opened: OpenedRun): Promise<void> {
    const { setting } = opened;
    if (setting?.fun) return this.useFunction(setting.fun, setting, opened);
    // Its function is not at hand: nothing that is here belongs to it.
    this.surface = this.fan = this.limits = undefined;
    this.recorded = { setting: this.setting, run: opened };
    this.path = pathOfRun({ ...opened, sentences: [] }, null, "recorded elsewhere");
    this.tell("surface", "fan", "limits", "path", "run");
  }

  get present(): Present {
    const { setting, recorded } = this;
    return { setting, opened: recorded?.setting === setting ? recorded.run : undefined };
  }

  async bringBack({ setting, opened }: Present): Promise<void> {
    await this.useFunction(setting.fun, setting, opened?.setting ? opened : undefined);
    if (opened && !opened.setting) await this.open(opened);
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

  private takeFan(fan: Fan, setting: Setting): void {
    if (setting.fun !== this.setting.fun || fan.path.shape[1] !== this.n_variables) return; // another was chosen
    this.fan = fan;
    this.shown = setting;
    const isAhead = this.asking.isRunning || !this.path;
    if (isAhead && this.setting.learning_rate !== null) this.path = this.pathAt(fan, this.rateIndex);
    else if (this.path?.behaviour === "") this.path = { ...this.path, behaviour: this.behaviourSeen };
    this.tell("fan", "path");
  }

  private pathAt(fan: Fan, index: number): Path {
    const { decay, cosine } = this.setting;
    return pathOfFan(fan, index, decay === null && cosine === null);
  }

  private takeLimits(limits: Limits, setting: Setting): void {
    if (setting.fun !== this.setting.fun) return;
    this.limits = limits;
    this.tell("limits");
  }

  /** By what a step at the present rate multiplies a small distance from the minimum. */
  get multiplier(): number {
    return multiplierAt(this.limits, this.setting.learning_rate);
  }

  /** Whether it is the present setting's. */
  private takeRun(run: Run, setting: Setting): boolean {
    if (setting.fun !== this.setting.fun || setting.learning_rate !== this.setting.learning_rate) return false;
    const own = setting === this.recorded?.setting ? this.recorded.run : {}; // its words are new, its rows are not
    this.path = pathOfRun({ ...run, ...own }, setting.learning_rate, this.behaviourSeen);
    this.tell("path", "run");
    return setting === this.setting;
  }

  /** Until the explanation comes. */
  private get behaviourSeen(): string {
    const { learning_rate } = this.setting;
    return this.fan && learning_rate !== null ? behaviourAt(this.fan, learning_rate) : "";
  }

  private clearTrouble(): void {
    if (!this.trouble || this.trouble.kind === ADDRESS) return; // which no later answer makes good
    this.trouble = undefined;
    this.tell("trouble");
  }
}

const plain = (fun: string, ranges: Setting["ranges"]): Setting => ({ ...FIRST, fun, ranges });
