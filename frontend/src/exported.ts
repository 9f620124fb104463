// An exported page: its answers lie in the document, and nothing is asked of anyone.

import { type Baked, BakedBackend } from "./backend/baked";
import { mount } from "./mount";
import type { Change } from "./state/setting";

interface Content {
  readonly answers: Baked;
  readonly setting: Change;
  readonly title?: string;
  readonly notice: string;
}

const place = document.querySelector<HTMLElement>("#laboratory");
const content = JSON.parse(document.querySelector("#downslope-baked")?.textContent ?? "null") as Content | null;
if (place && content) {
  const { answers, setting, notice, title } = content;
  mount(place, new BakedBackend(answers), { change: setting, notice, ...(title ? { title } : {}) });
}
