// Builds the pages named on the command line, or every page whose folder exists.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'vite';

const web = resolve(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
for (const page of ['console', 'phone']) {
  if (wanted.length > 0 && !wanted.includes(page)) continue;
  if (!existsSync(resolve(web, page, 'index.html'))) continue;
  await build({ configFile: resolve(web, `vite.${page}.config.ts`), logLevel: 'warn' });
  console.log(`${page}: built`);
}
