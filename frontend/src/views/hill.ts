// The loss surface in three dimensions, the trail on it and the marble. Loaded after the first paint, since three.js is
// large.

import {
  AmbientLight,
  DirectionalLight,
  Mesh,
  MeshStandardMaterial,
  PerspectiveCamera,
  Raycaster,
  Scene,
  SphereGeometry,
  Vector2,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import type { Field } from "../drawing/field";
import type { Frames } from "../drawing/frames";
import type { Theme } from "../drawing/theme";
import { drawnAt, type Path } from "../state/path";
import { HillGround } from "./hill_ground";
import { HEIGHT } from "./hill_scale";
import { HillTrail } from "./hill_trail";

const RADIUS = 0.026;
const MIDDLE = 0.13;
/** Half of what has to fit into the picture. */
const REACH = 0.78;
const UPRIGHT = 0.8;

export type Project = (x: number, y: number, z: number) => [number, number];

/** A point of the drawing: the ground is the square from -0.5 to 0.5, heights go up from 0. */
export type Placed = (x: number, y: number, height: number, out: Vector3) => Vector3;

export class Hill {
  readonly canvas: HTMLCanvasElement;
  /** Called when the camera has moved, with the way from the scene to pixels: labels follow it. */
  onTurned: (near: { x: number; z: number }, project: Project) => void = () => undefined;
  private readonly renderer: WebGLRenderer;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(38, 1, 0.05, 20);
  private readonly controls: OrbitControls;
  private readonly ground = new HillGround();
  private readonly marble = new Mesh(new SphereGeometry(RADIUS, 32, 16), new MeshStandardMaterial({ roughness: 0.35 }));
  /** The marble behind a ridge: it shines through. */
  private readonly ghost = new Mesh(
    this.marble.geometry,
    new MeshStandardMaterial({
      roughness: 0.35,
      depthTest: false,
      transparent: true,
      opacity: 0.35,
    }),
  );
  private readonly trail: HillTrail;
  private field: Field | undefined;
  private path: Path | undefined;
  private laid: Path | undefined;
  private position = 0;
  private readonly at = new Vector3();
  private readonly paint = (): void => this.draw();

  constructor(
    private readonly frames: Frames,
    private readonly theme: Theme,
  ) {
    const isSlow = isDrawnInSoftware();
    this.renderer = new WebGLRenderer({ antialias: !isSlow, alpha: true, preserveDrawingBuffer: true });
    this.renderer.debug.checkShaderErrors = false; // asking waits for the graphics card
    this.canvas = this.renderer.domElement;
    this.renderer.setPixelRatio(isSlow ? 1 : Math.min(window.devicePixelRatio || 1, 2));
    this.trail = new HillTrail(this.place);
    this.marble.add(this.ghost);
    this.scene.add(this.ground.group, this.marble, this.trail.group, new AmbientLight(0xffffff, 1.7));
    const sun = new DirectionalLight(0xffffff, 1.5);
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
    this.size = { width, height };
    this.trail.resize(width, height);
    this.camera.aspect = width / height;
    // Whichever side is narrower, the corners stay in the picture.
    const half = Math.atan(Math.tan(this.camera.fov * (Math.PI / 360)) * Math.min(1, this.camera.aspect));
    this.distance = REACH / Math.sin(half);
    this.camera.updateProjectionMatrix();
    this.lookAgain();
  }

  private distance = 2;
  /** Kept here: to ask the document for it in each frame would make it lay itself out each time. */
  private size = { width: 1, height: 1 };
  private labelled = "";

  /** From across the start, so that the marble rolls towards the eye. */
  lookAgain(): void {
    const start = this.path ? [drawnAt(this.path, 0, 0), drawnAt(this.path, 0, 1)] : undefined;
    const [u, v] =
      start && this.field
        ? [this.field.across(start[0] ?? 0) - 0.5, this.field.along(start[1] ?? 0) - 0.5]
        : [-0.5, 0.6];
    // Not along an axis: there a square looks flat.
    const around = Math.round((Math.atan2(-u, v) - 0.6) / (Math.PI / 2)) * (Math.PI / 2) + 0.6;
    this.controls.target.set(0, MIDDLE, 0);
    this.camera.position.setFromSphericalCoords(this.distance, UPRIGHT, around).add(this.controls.target);
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
    this.ground.lay(field);
    this.recolor();
    this.isNew = this.isRelabelled = true;
    this.changed();
  }

  private isNew = true;

  /** Laid out at the next frame: a slider's event only notes it. */
  follow(path: Path, position: number): void {
    this.path = path;
    this.position = position;
    this.changed();
  }

  private followNow(): void {
    const { field, path, position } = this;
    if (!field || path?.n_drawn !== 2) return;
    if (path !== this.laid || this.trail.field !== field) this.trail.lay(path, field);
    this.laid = path;
    this.trail.upTo(position);
    const row = Math.min(Math.floor(position), path.n_rows - 1);
    const share = position - row;
    const between = (k: number): number => {
      const from = drawnAt(path, row, k);
      return share === 0 ? from : from + share * (drawnAt(path, row + 1, k) - from);
    };
    const [x, y] = [between(0), between(1)];
    this.marble.visible = field.holds(x, y);
    const height = share === 0 ? field.height(path.losses[row] ?? NaN) : field.heightAt(x, y);
    this.place(x, y, height, this.marble.position).y += RADIUS;
    if (this.isNew) this.lookAgain();
    this.isNew = false;
  }

  /** The point of the ground under a pixel of the canvas. */
  placeAt(x: number, y: number): [number, number] | undefined {
    if (!this.ground.surface || !this.field) return undefined;
    const { clientWidth, clientHeight } = this.canvas;
    const ray = new Raycaster();
    ray.setFromCamera(new Vector2((2 * x) / clientWidth - 1, 1 - (2 * y) / clientHeight), this.camera);
    const [hit] = ray.intersectObject(this.ground.surface);
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
    this.ground.dispose();
    this.renderer.dispose();
  }

  private readonly place: Placed = (x, y, height, out) => {
    const field = this.field;
    return field ? out.set(field.across(x) - 0.5, height * HEIGHT, 0.5 - field.along(y)) : out;
  };

  private recolor(): void {
    const { palette, ramp } = this.theme;
    this.marble.material.color.set(palette.marble);
    this.ghost.material.color.set(palette.marble);
    this.trail.color(palette.path);
    this.ground.color(ramp.bytes, this.theme.isDark);
    this.changed();
  }

  private draw(): void {
    this.followNow();
    this.renderer.render(this.scene, this.camera);
    const view = `${this.camera.position.toArray()} ${this.size.width} ${this.size.height}`;
    if (view !== this.labelled || this.isRelabelled) this.tellLabels();
    this.labelled = view;
    this.isRelabelled = false;
  }

  private isRelabelled = true;

  private tellLabels(): void {
    const { width, height } = this.size;
    const { x: eyeX, z: eyeZ } = this.camera.position;
    this.onTurned({ x: Math.sign(eyeX) || 1, z: Math.sign(eyeZ) || 1 }, (x, y, z) => {
      this.at.set(x, y, z).project(this.camera);
      return [((this.at.x + 1) / 2) * width, ((1 - this.at.y) / 2) * height];
    });
  }
}

/** Where each pixel costs, smooth edges would take most of the time. Throws where there is no WebGL. */
function isDrawnInSoftware(): boolean {
  const probe = document.createElement("canvas").getContext("webgl2");
  if (!probe) throw new Error("This browser has no WebGL 2.");
  const names = probe.getExtension("WEBGL_debug_renderer_info");
  const name = names ? String(probe.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "";
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software/i.test(name);
}
