// The whole page in one element, over any backend. A shadow root keeps the surroundings' styles out.

import type { Backend } from "./backend/backend";
import { BusyBackend } from "./backend/busy";
import { button, h, replaceText } from "./drawing/element";
import { Frames } from "./drawing/frames";
import { Theme } from "./drawing/theme";
import { Laboratory } from "./state/laboratory";
import { Player } from "./state/player";
import type { Change } from "./state/setting";
import styles from "./styles.css?inline";
import type { Context } from "./views/context";
import { Share } from "./views/share";
import { Tabs } from "./views/tabs";

export interface Surroundings {
  /** What to begin with; the rest is the function's own. */
  readonly change?: Change;
  readonly view?: string;
  /** The step that the marble begins at, and what the tab itself keeps. */
  readonly step?: number;
  readonly more?: string;
  /** Told of the address of what is shown, where there is an address bar. */
  readonly onAddress?: (hash: string) => void;
  /** What an exported page cannot do, in words. */
  readonly notice?: string;
  readonly title?: string;
  /** The page was exported: one tab works, with the rates that it holds. */
  readonly isFixed?: boolean;
}

export interface Mounted {
  /** Shows what an address says. */
  show(change: Change, view: string, step: number): Promise<void>;
  close(): void;
}

export function mount(element: HTMLElement, backend: Backend, surroundings: Surroundings = {}): Mounted {
  const theme = new Theme(element);
  const frames = new Frames();
  const page = h("div", { class: "laboratory", "aria-busy": "true" });
  const laboratory = new Laboratory(
    new BusyBackend(backend, (isBusy) => page.setAttribute("aria-busy", String(isBusy))),
  );
  const player = new Player(laboratory, frames, () => theme.isStill);
  const status = h("p", { class: "hidden", role: "status" });
  const isFixed = surroundings.isFixed ?? false;
  const announce = (words: string): void => replaceText(status, words);
  const context: Context = { laboratory, player, frames, theme, isFixed, announce };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  const root = element.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [theme.sheet, sheet];

  const tabs = new Tabs(context, surroundings.view ?? "descend", surroundings.more);
  const share = new Share(context, tabs, surroundings.onAddress);
  const night = button("Dark", () => theme.toggle(), { class: "small quiet", "aria-label": "Dark colours" });
  const showNight = (): void => night.setAttribute("aria-pressed", String(theme.isDark));
  theme.onChange(showNight);
  showNight();
  const title = h("h1", {}, "downslope ", h("span", {}, surroundings.title ?? "laboratory"));
  const notice = surroundings.notice ? [h("p", { class: "notice" }, surroundings.notice)] : [];
  page.append(
    h("header", {}, title, tabs.list, h("div", { class: "tools" }, share.opener, night), share.element),
    ...notice,
    tabs.panel,
    status,
  );
  share.closeWhenLeft(page);
  page.addEventListener("keydown", (event) => rollOnSpace(event, player));
  root.replaceChildren(page, troubleOf(context), theme.probe);
  void laboratory.begin(surroundings.change ?? {}).then(() => surroundings.step && player.go(surroundings.step));
  return {
    async show(change, view, step) {
      tabs.open(view);
      await laboratory.useFunction(change.fun ?? laboratory.setting.fun, change);
      player.go(step);
    },
    close() {
      player.pause();
      frames.stop();
      theme.close();
      laboratory.backend.close();
      root.replaceChildren();
    },
  };
}

/** What went wrong, over everything at the bottom of what is in sight, until a request succeeds or it is put away. */
function troubleOf({ laboratory }: Context): HTMLElement {
  const words = h("p", { class: "trouble", role: "alert" });
  const away = button("\u00d7", () => void (element.hidden = true), { class: "small quiet", "aria-label": "Close" });
  const element = h("div", { class: "over", hidden: true }, h("div", {}, words, away));
  laboratory.on("trouble", () => {
    element.hidden = !laboratory.trouble;
    replaceText(words, laboratory.trouble?.message ?? "");
  });
  return element;
}

/** Space rolls and pauses, except where it types or presses something. */
function rollOnSpace(event: KeyboardEvent, player: Player): void {
  const target = event.composedPath()[0];
  if (event.key !== " " || !(target instanceof HTMLElement)) return;
  if (target.closest("input, select, textarea, button, summary, a, dialog")) return;
  event.preventDefault();
  player.toggle();
}
