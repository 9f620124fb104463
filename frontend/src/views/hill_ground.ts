// The hill itself: a mesh of triangles coloured by height, with level lines on it.

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  DoubleSide,
  Group,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshLambertMaterial,
} from "three";
import { contour } from "../drawing/contours";
import type { Field } from "../drawing/field";
import { HEIGHT } from "./hill_scale";

const LEVELS = 14;
const LIFT = 0.002;

export class HillGround {
  readonly group = new Group();
  surface: Mesh<BufferGeometry, MeshLambertMaterial> | undefined;
  private field: Field | undefined;
  private lines: LineSegments<BufferGeometry, LineBasicMaterial> | undefined;

  lay(field: Field): void {
    this.dispose();
    this.group.clear();
    this.field = field;
    this.surface = new Mesh(geometryOf(field), new MeshLambertMaterial({ vertexColors: true, side: DoubleSide }));
    this.lines = new LineSegments(linesOf(field), new LineBasicMaterial({ transparent: true, opacity: 0.32 }));
    this.group.add(this.surface, this.lines);
  }

  color(bytes: Uint8ClampedArray, isDark: boolean): void {
    if (this.surface && this.field) colorize(this.surface.geometry, this.field, bytes);
    this.lines?.material.color.set(isDark ? "#ffffff" : "#0a1c33");
  }

  dispose(): void {
    this.surface?.geometry.dispose();
    this.lines?.geometry.dispose();
  }
}

function geometryOf(field: Field): BufferGeometry {
  const { n } = field;
  const positions = new Float32Array(n * n * 3);
  const indices = new Uint32Array((n - 1) * (n - 1) * 6);
  for (let j = 0, k = 0; j < n; j++) {
    for (let i = 0; i < n; i++, k += 3) {
      positions[k] = i / (n - 1) - 0.5;
      positions[k + 1] = (field.heights[j * n + i] ?? 0) * HEIGHT;
      positions[k + 2] = 0.5 - j / (n - 1);
    }
  }
  for (let j = 0, k = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++, k += 6) {
      const corner = j * n + i;
      indices.set([corner, corner + 1, corner + n, corner + 1, corner + n + 1, corner + n], k);
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setAttribute("color", new BufferAttribute(new Float32Array(n * n * 3), 3));
  geometry.setIndex(new BufferAttribute(indices, 1));
  geometry.computeVertexNormals();
  return geometry;
}

function linesOf(field: Field): BufferGeometry {
  const { n } = field;
  const positions: number[] = [];
  for (let level = 1; level < LEVELS; level++) {
    const segments = contour(field, level / LEVELS);
    for (let k = 0; k < segments.length; k += 2) {
      const [i, j] = [segments[k] ?? 0, segments[k + 1] ?? 0];
      positions.push(i / (n - 1) - 0.5, (level / LEVELS) * HEIGHT + LIFT, 0.5 - j / (n - 1));
    }
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(Float32Array.from(positions), 3));
  return geometry;
}

function colorize(geometry: BufferGeometry, field: Field, bytes: Uint8ClampedArray): void {
  const colors = geometry.getAttribute("color");
  const { n } = field;
  const color = new Color();
  for (let k = 0; k < n * n; k++) {
    const at = 3 * Math.round(255 * (field.heights[k] ?? 0));
    color.setRGB((bytes[at] ?? 0) / 255, (bytes[at + 1] ?? 0) / 255, (bytes[at + 2] ?? 0) / 255, "srgb");
    colors.setXYZ(k, color.r, color.g, color.b);
  }
  colors.needsUpdate = true;
}
