// Take it along: the address, code that repeats it, a picture, the run as a file, a page of its own.

import { button, download, h } from "../drawing/element";
import type { Code, OpenedRun, SavedRun } from "../state/answers";
import { toHash } from "../state/setting";
import type { Context } from "./context";
import type { Tabs } from "./tabs";

const PATIENCE = 200;

export class Share {
  readonly opener: HTMLButtonElement;
  readonly element: HTMLElement;
  private readonly code = h("textarea", { readonly: true, rows: 6, "aria-label": "Code", spellcheck: "false" });
  private readonly told = h("p", { class: "told", role: "status" });
  private readonly file = h("input", {
    type: "file",
    accept: ".parquet",
    class: "hidden",
    "aria-label": "A run's file",
  });

  private timer = 0;

  constructor(
    private readonly context: Context,
    private readonly tabs: Tabs,
    private readonly onAddress: ((hash: string) => void) | undefined,
  ) {
    this.opener = button("Share", () => this.toggle(), { class: "small", "aria-expanded": "false" });
    this.file.addEventListener("change", () => void this.open());
    this.element = h(
      "section",
      { class: "panel share", hidden: true, "aria-label": "Share" },
      h(
        "div",
        { class: "row" },
        onAddress && button("Copy link", () => this.copyLink()),
        button("Copy as Python", () => void this.copyCode("python")),
        button("Copy as command", () => void this.copyCode("command")),
        button("Save picture", () => this.savePicture()),
        ...(context.isFixed ? [] : this.madeByPython()),
      ),
      this.code,
      this.told,
    );
    this.code.hidden = true;
    context.laboratory.on(["run", "setting", "step", "tab"], () => this.tellSoon());
    tabs.onOpened = () => {
      this.close();
      this.tellSoon();
    };
  }

  private madeByPython(): readonly HTMLElement[] {
    return [
      button("Save run", () => void this.saveRun()),
      button("Open run", () => this.file.click()),
      button("Export page", () => void this.exportPage()),
      this.file,
    ];
  }

  private toggle(): void {
    this.element.hidden = !this.element.hidden;
    this.opener.setAttribute("aria-expanded", String(!this.element.hidden));
  }

  private close(): void {
    if (!this.element.hidden) this.toggle();
  }

  /** Escape closes it wherever the focus is, and a press beside it does too. */
  closeWhenLeft(page: HTMLElement): void {
    page.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || this.element.hidden) return;
      const hadFocus = this.element.contains((this.element.getRootNode() as ShadowRoot).activeElement);
      this.close();
      if (hadFocus) this.opener.focus();
    });
    page.addEventListener("pointerdown", (event) => {
      const path = event.composedPath();
      if (!path.includes(this.element) && !path.includes(this.opener)) this.close();
    });
  }

  /** Browsers refuse an address that changes with every frame. */
  private tellSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.tellAddress(), PATIENCE);
  }

  private tellAddress(): void {
    const { laboratory, player } = this.context;
    if (!laboratory.problem) return;
    const { current: view, address: more } = this.tabs;
    this.onAddress?.(toHash(laboratory.setting, { view, step: player.row, more }));
  }

  private say(words: string): void {
    this.told.textContent = words;
  }

  private async copy(text: string, what: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.say(`${what} is in the clipboard.`);
    } catch {
      this.code.hidden = false;
      this.code.value = text;
      this.code.select();
      this.say("The browser did not allow copying: the text is selected below.");
    }
  }

  private copyLink(): void {
    this.tellAddress();
    void this.copy(location.href, "The link");
  }

  private async copyCode(kind: "python" | "command"): Promise<void> {
    const { backend, setting } = this.context.laboratory;
    const { descents } = this.tabs;
    this.code.hidden = true;
    if (descents.length === 0) return this.say("Code is of single descents, as in Descend and in a race.");
    await this.attempt(async () => {
      const asked = descents.map((change) => backend.call("code", { ...setting, ...change }) as Promise<Code>);
      const codes = await Promise.all(asked);
      const without = codes.find((code) => code[kind] === null);
      if (without) return this.say(`There is no command: ${without.no_command ?? "this cannot be said in one"}.`);
      const text = codes.map((code) => code[kind]).join("\n\n");
      this.code.value = text;
      this.code.hidden = false;
      await this.copy(text, kind === "python" ? "The Python code" : "The command");
    });
  }

  /** What the tab draws, side by side, on its ground. */
  private savePicture(): void {
    const canvases = this.tabs.canvases.filter(({ width, height }) => width > 0 && height > 0);
    const picture = h("canvas");
    picture.width = canvases.reduce((sum, { width }) => sum + width, 0);
    picture.height = Math.max(1, ...canvases.map(({ height }) => height));
    const context = picture.getContext("2d");
    if (!context || picture.width === 0) return this.say("There is nothing to save yet.");
    context.fillStyle = this.context.theme.palette.panel;
    context.fillRect(0, 0, picture.width, picture.height);
    let left = 0;
    for (const canvas of canvases) {
      context.drawImage(canvas, left, 0);
      left += canvas.width;
    }
    picture.toBlob((blob) => blob && download("downslope.png", blob, "image/png"));
  }

  private async saveRun(): Promise<void> {
    const { laboratory } = this.context;
    await this.attempt(async () => {
      const saved = (await laboratory.backend.call("save", laboratory.setting)) as SavedRun;
      download(saved.name || "run.parquet", bytesOf(saved.content), "application/vnd.apache.parquet");
      this.say("The run was saved: `downslope show` and this page open it.");
    });
  }

  private async open(): Promise<void> {
    const [file] = this.file.files ?? [];
    if (!file) return;
    const { laboratory, player } = this.context;
    await this.attempt(async () => {
      const content = base64(new Uint8Array(await file.arrayBuffer()));
      const opened = (await laboratory.backend.call("open", { content })) as OpenedRun;
      player.reset();
      await laboratory.open(opened);
      const missing = opened.setting ? "" : " Its function is not at hand here: its steps are in the table.";
      this.say(`${file.name} was opened.${missing}`);
    });
    this.file.value = "";
  }

  private async exportPage(): Promise<void> {
    const { laboratory } = this.context;
    await this.attempt(async () => {
      this.say("Computing what the page needs\u2026");
      const { title } = laboratory.method ?? { title: "gradient descent" };
      const params = {
        ...laboratory.setting,
        title: title[0]?.toUpperCase() + title.slice(1),
        requests: laboratory.requests,
      };
      const made = (await laboratory.backend.call("export", params)) as { content: string; name: string };
      download(made.name || "downslope.html", made.content, "text/html");
      this.say("The page was saved: it opens without network, and holds this function, start and its rates.");
    });
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }
}

const bytesOf = (content: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let k = 0; k < bytes.length; k += 0x8000) text += String.fromCharCode(...bytes.subarray(k, k + 0x8000));
  return btoa(text);
}
