import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin, UserConfig } from 'vite';

// keepFolder leaves the .gitkeep that lets `go build ./...` embed the output folder on a clean clone.
function keepFolder(outDir: string): Plugin {
  return {
    name: 'keep-folder',
    closeBundle() {
      writeFileSync(resolve(outDir, '.gitkeep'), '');
    },
  };
}

/** pageConfig is what both pages share: hashed assets, no inline code (strict CSP), automatic Preact JSX. */
export function pageConfig(page: 'console' | 'phone', outDir: string): UserConfig {
  const root = resolve(import.meta.dirname, page);
  const out = resolve(import.meta.dirname, outDir);
  return {
    root,
    base: './',
    publicDir: resolve(root, 'public'),
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
    },
    server: {
      proxy: { '/v1': { target: process.env['RAMAL_URL'] ?? 'http://127.0.0.1:8080', ws: true, changeOrigin: true } },
    },
    plugins: [keepFolder(out)],
  };
}
