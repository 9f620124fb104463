// What a field wants, in words, where something else was typed into it. Several fields may share the place of the words.

import { fresh, h, replaceText } from "../drawing/element";

export class Wanted {
  readonly element = h("span", { class: "wanted", role: "status", id: fresh("wanted") });
  private readonly bad = new Map<HTMLInputElement, string>();

  /** Marks the field unless it is good. */
  judge(field: HTMLInputElement, isGood: boolean, words: string): void {
    field.setAttribute("aria-invalid", String(!isGood));
    if (isGood) {
      this.bad.delete(field);
      field.removeAttribute("aria-describedby");
    } else {
      this.bad.set(field, words);
      field.setAttribute("aria-describedby", this.element.id);
    }
    this.tell();
  }

  /** A good value stands in the field now. */
  clear(field: HTMLInputElement): void {
    if (this.bad.has(field)) this.judge(field, true, "");
  }

  /** The fields are others now. */
  clearAll(): void {
    for (const field of [...this.bad.keys()]) this.clear(field);
  }

  private tell(): void {
    replaceText(this.element, [...this.bad.values()].at(-1) ?? "");
  }
}

/** As Python says it: the name, the rule and what was typed. */
export const mustBe = (name: string, rule: string, { value }: HTMLInputElement): string =>
  `${name} must be ${rule}; got ${value.trim() || "nothing"}`;

export const A_NUMBER = "a finite number, such as 0.5";
export const ABOVE_0 = "a finite number above 0, such as 0.1";
