// Colours: those of Okabe and Ito for what has to be told apart, one blue ramp for heights. Light and dark.

export interface Palette {
  readonly page: string;
  readonly panel: string;
  readonly well: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly curve: string;
  readonly path: string;
  readonly future: string;
  readonly marble: string;
  readonly marbleEdge: string;
  readonly halo: string;
  readonly tangent: string;
  readonly good: string;
  readonly zigzag: string;
  readonly bad: string;
  readonly minimum: string;
}

export const LIGHT: Palette = {
  page: "#f4f5f7",
  panel: "#ffffff",
  well: "#f9fafb",
  ink: "#15181d",
  soft: "#545c68",
  line: "#cfd5dd",
  accent: "#0067a3",
  onAccent: "#ffffff",
  curve: "#0072b2",
  path: "#c24e00",
  future: "#c24e0099",
  marble: "#d55e00",
  marbleEdge: "#3d1a00",
  halo: "#ffffffd0",
  tangent: "#007a59",
  good: "#007a59",
  zigzag: "#946200",
  bad: "#b34700",
  minimum: "#15181d",
};

export const DARK: Palette = {
  page: "#14171c",
  panel: "#1d2128",
  well: "#171a20",
  ink: "#edf0f4",
  soft: "#a9b2bf",
  line: "#3a414c",
  accent: "#56b4e9",
  onAccent: "#08131c",
  curve: "#56b4e9",
  path: "#ff9248",
  future: "#ff924899",
  marble: "#f07a1f",
  marbleEdge: "#fff3e8",
  halo: "#00000090",
  tangent: "#3fd0a4",
  good: "#3fd0a4",
  zigzag: "#e69f00",
  bad: "#ff8a4c",
  minimum: "#ffffff",
};

/** To tell runs, minima and marbles apart; Okabe and Ito's, readable on both grounds. */
export const SERIES = ["#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#f0e442", "#0072b2", "#8c8c8c"] as const;

export const series = (index: number): string => SERIES[index % SERIES.length] ?? SERIES[0];

type Rgb = readonly [number, number, number];

const RAMP_LIGHT: readonly Rgb[] = [
  [8, 48, 107],
  [33, 102, 172],
  [92, 158, 208],
  [170, 207, 229],
  [226, 236, 245],
];
const RAMP_DARK: readonly Rgb[] = [
  [9, 26, 58],
  [20, 62, 112],
  [41, 104, 163],
  [96, 153, 199],
  [176, 209, 232],
];

export interface Ramp {
  /** 256 colours from the lowest to the highest, three bytes each. */
  readonly bytes: Uint8ClampedArray;
}

export function ramp(isDark: boolean): Ramp {
  const stops = isDark ? RAMP_DARK : RAMP_LIGHT;
  const bytes = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (stops.length - 1);
    const lower = Math.min(Math.floor(place), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      const [a, b] = [stops[lower]?.[c] ?? 0, stops[lower + 1]?.[c] ?? 0];
      bytes[3 * i + c] = a + (b - a) * (place - lower);
    }
  }
  return { bytes };
}

export function variables(palette: Palette): string {
  const lines = Object.entries(palette).map(([name, value]) => `--${name}: ${value};`);
  return `:host { ${lines.join(" ")} }`;
}
