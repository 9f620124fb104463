// The page's tabs. A tab's view is made when it is first opened.

import { h } from "../drawing/element";
import type { Context, View } from "./context";
import { Decay } from "./decay";
import { Descend } from "./descend";
import { ManyMinima } from "./many_minima";
import { Play } from "./play";
import { RaceView } from "./race";
import { TrainingView } from "./training";

const TABS: readonly [string, string, (context: Context) => View][] = [
  ["descend", "Descend", (context) => new Descend(context)],
  ["many", "Many minima", (context) => new ManyMinima(context)],
  ["race", "Race", (context) => new RaceView(context)],
  ["decay", "Notch and decay", (context) => new Decay(context)],
  ["play", "Play", (context) => new Play(context)],
];

/** Only where a training is followed. */
const TRAINING = ["training", "Training", (context: Context) => new TrainingView(context)] as const;

export class Tabs {
  readonly list = h("div", { role: "tablist", class: "tabs", "aria-label": "Views" });
  readonly panel = h("main", { role: "tabpanel", tabindex: -1 });
  onOpened: () => void = () => undefined;
  current = "";
  private readonly views = new Map<string, View>();

  constructor(
    private readonly context: Context,
    first: string,
    private more: string | undefined,
  ) {
    const shown = TABS.filter(([name]) => !context.isFixed || name === "descend");
    this.list.append(...shown.map(([name, title]) => this.tab(name, title)));
    this.list.addEventListener("keydown", (event) => this.onKey(event));
    let isFirst = true;
    context.laboratory.on("function", () => {
      if (isFirst) queueMicrotask(() => this.opened()); // after its setting was told
      isFirst = false;
    });
    context.laboratory.on("hello", () => {
      if (!context.laboratory.hello?.trains || context.isFixed) return;
      this.list.prepend(this.tab(TRAINING[0], TRAINING[1]));
      this.open(TRAINING[0]);
    });
    this.open(TABS.some(([name]) => name === first) ? first : "descend");
  }

  private tab(name: string, title: string): HTMLButtonElement {
    const tab = h("button", { type: "button", role: "tab", id: `tab-${name}`, "data-tab": name }, title);
    tab.addEventListener("click", () => this.open(name));
    return tab;
  }

  get canvases(): readonly HTMLCanvasElement[] {
    return [...this.panel.querySelectorAll("canvas:not(.strip)")] as HTMLCanvasElement[];
  }

  /** What code is copied for in the open tab. */
  get descents(): View["descents"] {
    return this.views.get(this.current)?.descents ?? [];
  }

  /** What the open tab wants in the address. */
  get address(): string {
    return this.views.get(this.current)?.address ?? "";
  }

  open(name: string): void {
    if (name === this.current) return;
    this.context.player.pause();
    this.views.get(this.current)?.close?.();
    this.current = name;
    for (const tab of this.list.children) {
      const isOpen = (tab as HTMLElement).dataset.tab === name;
      tab.setAttribute("aria-selected", String(isOpen));
      (tab as HTMLElement).tabIndex = isOpen ? 0 : -1;
    }
    let view = this.views.get(name);
    if (!view) {
      const make = [...TABS, TRAINING].find(([known]) => known === name)?.[2];
      if (!make) return;
      view = this.context.laboratory.catchUp(() => make(this.context));
      this.views.set(name, view);
    }
    this.panel.setAttribute("aria-labelledby", `tab-${name}`);
    this.panel.replaceChildren(view.element);
    if (!this.context.laboratory.problem) return;
    this.more = undefined;
    this.opened();
  }

  /** A view is opened once there is a function to show in it. */
  private opened(): void {
    this.views.get(this.current)?.open(this.more);
    this.more = undefined;
    this.onOpened();
  }

  private onKey(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const names = [...this.list.children].map((tab) => (tab as HTMLElement).dataset.tab ?? "");
    const next = names[(names.indexOf(this.current) + step + names.length) % names.length] ?? "descend";
    this.open(next);
    this.list.querySelector<HTMLElement>(`[data-tab=${next}]`)?.focus();
  }
}
