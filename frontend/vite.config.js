// Three builds from the same modules, into the Python package:
//   the page of `downslope lab`       index.html and assets/, the 3-D part loaded after the first paint
//   --mode widget                     widget.js, one file, for anywidget
//   --mode standalone                   standalone.js, one file, put into a page that works from a disk
import { defineConfig } from "vite";

const folder = "../src/downslope/lab/page";

const oneFile = (name) => ({
  outDir: folder,
  emptyOutDir: false,
  copyPublicDir: false,
  lib: { entry: `src/${name}.ts`, formats: ["es"], fileName: () => `${name}.js` },
  rolldownOptions: { output: { codeSplitting: false, minify: true } },
});

export default defineConfig(({ mode }) => ({
  base: "./",
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build:
    mode === "widget" || mode === "standalone"
      ? oneFile(mode)
      : { outDir: folder, emptyOutDir: true, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 800 },
  test: { environment: "happy-dom", include: ["tests/**/*.test.ts"] },
}));
