// What the views can be told of.

export type Topic =
  | "hello"
  | "setting"
  | "function"
  | "surface"
  | "fan"
  | "limits"
  | "path"
  | "run"
  | "trouble"
  | "step"
  | "play"
  | "tab";
