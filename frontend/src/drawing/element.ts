// Elements with their attributes, listeners and children in one call.

type Attributes = Readonly<Record<string, string | number | boolean | ((event: never) => void) | undefined>>;
export type Child = Node | string | undefined | false;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as unknown as EventListener);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/** A button that says what it does. */
export function button(label: string, onclick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

/** A control with its name before it. */
export const labelled = (name: string, control: HTMLElement, ...more: readonly Child[]): HTMLLabelElement =>
  h("label", { class: "field" }, h("span", { class: "name" }, name), control, ...more);

export function replaceText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

let last = 0;
/** A name that is used once, to tie elements together. */
export const fresh = (word: string): string => `${word}-${++last}`;

export function download(name: string, content: BlobPart, type: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
