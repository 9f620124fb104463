// In a notebook: anywidget calls `render` with its model and a place.

import { type Model, NotebookBackend } from "./backend/notebook";
import { mount } from "./mount";
import type { Change } from "./state/setting";

interface Rendered {
  readonly model: Model;
  readonly el: HTMLElement;
}

function render({ model, el }: Rendered): () => void {
  const place = document.createElement("div");
  el.append(place);
  const change = (model.get("setting") ?? {}) as Change;
  const mounted = mount(place, new NotebookBackend(model), { change });
  return () => mounted.close();
}

export default { render };
