// The path on the hill: segments that follow the ground, drawn up to the marble. The whole of it is drawn paler, and
// shines through ridges.

import { DynamicDrawUsage, Group, InstancedInterleavedBuffer, InterleavedBufferAttribute, Vector3 } from "three";
import { LineMaterial } from "three/addons/lines/LineMaterial.js";
import { LineSegments2 } from "three/addons/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/addons/lines/LineSegmentsGeometry.js";
import type { Field } from "../drawing/field";
import { drawnAt, type Path } from "../state/path";
import type { Placed } from "./hill";

const MOST_SEGMENTS = 3000;
const LIFT = 0.006;

export class HillTrail {
  readonly group = new Group();
  field: Field | undefined;
  // Both are transparent, so that one program of the graphics card draws both.
  private readonly behind = new LineMaterial({ linewidth: 3.5, transparent: true });
  private readonly ahead = new LineMaterial({ linewidth: 1.8, transparent: true, opacity: 0.6, depthTest: false });
  /** One buffer for both lines, filled anew for each path: a slider makes a new path with every event. */
  private readonly numbers = new Float32Array(6 * MOST_SEGMENTS);
  private readonly buffer = new InstancedInterleavedBuffer(this.numbers, 6, 1).setUsage(DynamicDrawUsage);
  private readonly walked = new LineSegments2(this.newGeometry(), this.behind);
  private readonly whole = new LineSegments2(this.newGeometry(), this.ahead);
  private n = 0;
  /** How many segments there are up to each row. */
  private upToRow = new Int32Array(1);
  private readonly from = new Vector3();
  private readonly to = new Vector3();

  constructor(private readonly place: Placed) {
    this.walked.frustumCulled = this.whole.frustumCulled = false;
    this.group.add(this.walked, this.whole);
  }

  resize(width: number, height: number): void {
    this.behind.resolution.set(width, height);
    this.ahead.resolution.set(width, height);
  }

  color(color: string): void {
    this.behind.color.set(color);
    this.ahead.color.set(color);
  }

  lay(path: Path, field: Field): void {
    this.field = field;
    const pieces = Math.max(1, Math.min(12, Math.floor(MOST_SEGMENTS / Math.max(1, path.n_rows - 1))));
    this.n = 0;
    this.upToRow = new Int32Array(path.n_rows);
    for (let row = 0; row + 1 < path.n_rows; row++) {
      if (this.n + pieces <= MOST_SEGMENTS) this.layStep(path, row, pieces, field);
      this.upToRow[row + 1] = this.n;
    }
    this.buffer.clearUpdateRanges();
    this.buffer.addUpdateRange(0, 6 * this.n);
    this.buffer.needsUpdate = true;
    this.whole.geometry.instanceCount = this.n;
    this.whole.visible = this.n > 0;
  }

  upTo(position: number): void {
    const row = Math.min(Math.floor(position), this.upToRow.length - 1);
    const from = this.upToRow[row] ?? 0;
    const to = this.upToRow[row + 1] ?? from;
    const n = from + Math.floor((position - row) * (to - from));
    this.walked.geometry.instanceCount = n;
    this.walked.visible = n > 0;
  }

  private newGeometry(): LineSegmentsGeometry {
    const geometry = new LineSegmentsGeometry();
    geometry.setAttribute("instanceStart", new InterleavedBufferAttribute(this.buffer, 3, 0));
    geometry.setAttribute("instanceEnd", new InterleavedBufferAttribute(this.buffer, 3, 3));
    return geometry;
  }

  private layStep(path: Path, row: number, pieces: number, field: Field): void {
    const [x0, y0] = [drawnAt(path, row, 0), drawnAt(path, row, 1)];
    const [x1, y1] = [drawnAt(path, row + 1, 0), drawnAt(path, row + 1, 1)];
    for (let k = 0; k < pieces; k++) {
      const [s, t] = [k / pieces, (k + 1) / pieces];
      const [ax, ay, bx, by] = [x0 + s * (x1 - x0), y0 + s * (y1 - y0), x0 + t * (x1 - x0), y0 + t * (y1 - y0)];
      if (!field.holds(ax, ay) || !field.holds(bx, by)) continue;
      this.place(ax, ay, field.heightAt(ax, ay), this.from).y += LIFT;
      this.place(bx, by, field.heightAt(bx, by), this.to).y += LIFT;
      const at = 6 * this.n++;
      this.from.toArray(this.numbers, at);
      this.to.toArray(this.numbers, at + 3);
    }
  }
}
