// An exported page: its answers lie in the document, and nothing is asked of anyone.

import { type Baked, BakedBackend } from "./backend/baked";
import { mount } from "./mount";
import type { Change } from "./state/setting";

interface Content {
  readonly answers: Baked;
  readonly setting: Change;
  readonly title?: string;
  /** What the page cannot do, in sentences. */
  readonly cannot: readonly string[];
}

const content = JSON.parse(document.querySelector("#downslope-baked")?.textContent ?? "null") as Content | null;
if (content) {
  const around = new CSSStyleSheet();
  around.replaceSync(
    "html { color-scheme: light dark; background: Canvas } body { margin: 0 } body > div { min-height: 100vh }",
  );
  document.adoptedStyleSheets = [around];
  const place =
    document.querySelector<HTMLElement>("#laboratory") ?? document.body.appendChild(document.createElement("div"));
  const { answers, setting, cannot, title } = content;
  mount(place, new BakedBackend(answers), {
    change: setting,
    notice: cannot.join(" "),
    isFixed: true,
    ...(title ? { title } : {}),
  });
}
