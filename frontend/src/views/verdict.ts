// What a run did, sorted into what a glance should tell.

export type Outcome = "good" | "zigzag" | "bad" | "other";

const TURNS = ["zigzag", "spiral", "bouncing"];
const FAILS = ["diverging", "falling", "left the domain"];

export function outcomeOf(behaviour: string, status: string): Outcome {
  const words = behaviour.toLowerCase().replaceAll("_", " ");
  if (FAILS.some((word) => words.includes(word)) || status === "NOT_FINITE" || status === "DIVERGED") return "bad";
  if (TURNS.some((word) => words.includes(word))) return "zigzag";
  return words.includes("straight") || words.includes("at rest") || words.includes("precision") ? "good" : "other";
}

/** A sign beside the colour, for who does not see it. */
export const SIGNS: Readonly<Record<Outcome, string>> = {
  good: "\u2198",
  zigzag: "\u21af",
  bad: "\u2197",
  other: "\u2026",
};
