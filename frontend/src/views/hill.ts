// The loss surface in three dimensions, the trail on it and the marble. Loaded after the first paint: three.js is large.

import {
  AmbientLight, BufferAttribute, BufferGeometry, Color, DirectionalLight, DoubleSide, Group, Mesh, MeshLambertMaterial,
  PerspectiveCamera, Raycaster, Scene, SphereGeometry, Vector2, Vector3, WebGLRenderer, MeshStandardMaterial,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { Field } from "../drawing/field";
import type { Frames } from "../drawing/frames";
import type { Theme } from "../drawing/theme";
import { drawnAt, type Path } from "../state/path";
import { HillTrail } from "./hill_trail";

const HEIGHT = 0.62;
const RADIUS = 0.028;

/** A point of the drawing: the ground is the square from -0.5 to 0.5, heights go up from 0. */
export type Placed = (x: number, y: number, height: number, out: Vector3) => Vector3;

export class Hill {
  readonly canvas: HTMLCanvasElement;
  /** Called after each drawing, with the way from the scene to pixels: labels follow the camera. */
  onDrawn: (project: (x: number, y: number, z: number) => [number, number]) => void = () => undefined;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(38, 1, 0.05, 20);
  private readonly controls: OrbitControls;
  private readonly ground = new Group();
  private readonly marble = new Mesh(new SphereGeometry(RADIUS, 32, 16), new MeshStandardMaterial({ roughness: 0.35 }));
  private readonly trail: HillTrail;
  private surface: Mesh<BufferGeometry, MeshLambertMaterial> | undefined;
  private field: Field | undefined;
  private path: Path | undefined;
  private readonly at = new Vector3();
  private readonly paint = (): void => this.draw();

  constructor(private readonly frames: Frames, private readonly theme: Theme) {
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true, preserveDrawingBuffer: true });
    this.canvas = this.renderer.domElement;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));
    this.trail = new HillTrail(this.place);
    this.scene.add(this.ground, this.marble, this.trail.group, new AmbientLight(0xffffff, 1.9));
    const sun = new DirectionalLight(0xffffff, 2.2);
    sun.position.set(-1.5, 3, 1);
    this.scene.add(sun);
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.enablePan = false;
    this.controls.minDistance = 0.7;
    this.controls.maxDistance = 4;
    this.controls.maxPolarAngle = Math.PI / 2 - 0.03;
    this.controls.addEventListener("change", () => this.changed());
    this.lookAgain();
    theme.onChange(() => this.recolor());
  }

  resize(width: number, height: number): void {
    this.renderer.setSize(width, height, false);
    this.trail.resize(width, height);
    this.camera.aspect = width / height;
    // A narrow place is looked at from farther away, so that the corners stay in it.
    this.camera.fov = width < height ? 50 : 38;
    this.camera.updateProjectionMatrix();
    this.changed();
  }

  lookAgain(): void {
    this.controls.target.set(0, 0.16, 0);
    this.camera.position.set(1.02, 1.12, 1.34);
    this.controls.update();
    this.changed();
  }

  /** By the keyboard: angles in radians, and a factor on the distance. */
  orbit(around: number, up: number, nearer: number): void {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const radius = Math.min(4, Math.max(0.7, offset.length() * nearer));
    const azimuth = Math.atan2(offset.x, offset.z) + around;
    const polar = Math.min(Math.PI / 2 - 0.03, Math.max(0.05, Math.acos(offset.y / offset.length()) + up));
    offset.setFromSphericalCoords(radius, polar, azimuth);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.changed();
  }

  show(field: Field): void {
    this.field = field;
    if (this.surface) {
      this.ground.remove(this.surface);
      this.surface.geometry.dispose();
    }
    const material = new MeshLambertMaterial({ vertexColors: true, side: DoubleSide });
    this.surface = new Mesh(geometryOf(field), material);
    this.ground.add(this.surface);
    this.recolor();
    if (this.path) this.follow(this.path, 0);
  }

  follow(path: Path, position: number): void {
    if (!this.field) return;
    if (path !== this.path || this.trail.field !== this.field) this.trail.lay(path, this.field);
    this.path = path;
    const row = Math.min(Math.floor(position), path.n_rows - 1);
    this.trail.upTo(position);
    const share = position - row;
    const between = (k: number): number => {
      const from = drawnAt(path, row, k);
      return share === 0 ? from : from + share * (drawnAt(path, row + 1, k) - from);
    };
    const [x, y] = [between(0), between(1)];
    this.marble.visible = this.field.holds(x, y);
    const height = share === 0 ? this.field.height(path.losses[row] ?? NaN) : this.field.heightAt(x, y);
    this.place(x, y, height, this.marble.position);
    this.marble.position.y += RADIUS;
    this.changed();
  }

  /** The point of the ground under a pixel of the canvas. */
  placeAt(x: number, y: number): [number, number] | undefined {
    if (!this.surface || !this.field) return undefined;
    const { clientWidth, clientHeight } = this.canvas;
    const ray = new Raycaster();
    ray.setFromCamera(new Vector2((2 * x) / clientWidth - 1, 1 - (2 * y) / clientHeight), this.camera);
    const [hit] = ray.intersectObject(this.surface);
    if (!hit) return undefined;
    const { xs, ys, n } = this.field;
    const along = (values: Float64Array, share: number): number =>
      (values[0] ?? 0) + share * ((values[n - 1] ?? 1) - (values[0] ?? 0));
    return [along(xs, hit.point.x + 0.5), along(ys, 0.5 - hit.point.z)];
  }

  changed(): void {
    this.frames.draw(this.paint);
  }

  dispose(): void {
    this.controls.dispose();
    this.surface?.geometry.dispose();
    this.renderer.dispose();
  }

  private readonly place: Placed = (x, y, height, out) => {
    const field = this.field;
    return field ? out.set(field.across(x) - 0.5, height * HEIGHT, 0.5 - field.along(y)) : out;
  };

  private recolor(): void {
    const { palette, ramp } = this.theme;
    this.marble.material.color.set(palette.marble);
    this.trail.color(palette.marble, palette.halo);
    if (this.surface && this.field) colorize(this.surface.geometry, this.field, ramp.bytes);
    this.changed();
  }

  private draw(): void {
    this.renderer.render(this.scene, this.camera);
    const { clientWidth, clientHeight } = this.canvas;
    this.onDrawn((x, y, z) => {
      this.at.set(x, y, z).project(this.camera);
      return [((this.at.x + 1) / 2) * clientWidth, ((1 - this.at.y) / 2) * clientHeight];
    });
  }
}

function geometryOf(field: Field): BufferGeometry {
  const { n } = field;
  const positions = new Float32Array(n * n * 3);
  const indices = new Uint32Array((n - 1) * (n - 1) * 6);
  for (let j = 0, k = 0; j < n; j++) {
    for (let i = 0; i < n; i++, k += 3) {
      positions[k] = i / (n - 1) - 0.5;
      positions[k + 1] = field.height(field.at(i, j)) * HEIGHT;
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

function colorize(geometry: BufferGeometry, field: Field, bytes: Uint8ClampedArray): void {
  const colors = geometry.getAttribute("color");
  const { n } = field;
  const color = new Color();
  for (let k = 0; k < n * n; k++) {
    const at = 3 * Math.round(255 * field.height(field.at(k % n, Math.floor(k / n))));
    color.setRGB((bytes[at] ?? 0) / 255, (bytes[at + 1] ?? 0) / 255, (bytes[at + 2] ?? 0) / 255, "srgb");
    colors.setXYZ(k, color.r, color.g, color.b);
  }
  colors.needsUpdate = true;
}
