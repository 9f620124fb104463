// What every view is given.

import type { Frames } from "../drawing/frames";
import type { Theme } from "../drawing/theme";
import type { Laboratory } from "../state/laboratory";
import type { Change } from "../state/setting";
import type { Player } from "../state/player";

export interface Context {
  readonly laboratory: Laboratory;
  readonly player: Player;
  readonly frames: Frames;
  readonly theme: Theme;
  /** Nothing can be computed anew, as in an exported page: only the rates that it holds can be chosen. */
  readonly isFixed: boolean;
  /** Tells a screen reader, and the status line. */
  readonly announce: (words: string) => void;
}

/** One of the page's tabs. */
export interface View {
  readonly element: HTMLElement;
  /** Called when the tab is opened, and never before; with what the address holds of it, where that opened it. */
  open(address?: string): void;
  /** What differs from the setting in each descent that code is copied for; none where it shows no single descents. */
  readonly descents: readonly Change[];
  /** What the address is to hold of this tab, beside the setting. */
  readonly address?: string;
  close?(): void;
}
