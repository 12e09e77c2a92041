// Walks an agent through the console in Chromium against the fake engine: every main state is looked at by axe at 1280
// and 400 px, and the audio is real and measured at both ends. `npm run test:browser` builds the page first.
import { Harness } from './harness.mjs';
import * as calls from './scenes-calls.mjs';
import * as desk from './scenes-desk.mjs';

const only = process.argv[2];
const harness = await new Harness().start();
const scenes = { ...desk, ...calls };
let failed = 0;
try {
  for (const [name, scene] of Object.entries(scenes)) {
    if (only && name !== only) continue;
    harness.server.reset();
    const contexts = [];
    const open = async (options) => {
      const context = await harness.context(options);
      contexts.push(context);
      return context;
    };
    try {
      await scene(harness, open);
      console.log(`passed: ${name}`);
    } catch (err) {
      failed += 1;
      console.error(`FAILED: ${name}\n${err.stack}`);
    }
    for (const context of contexts) await context.close();
  }
} finally {
  await harness.stop();
}
for (const problem of harness.problems) console.error(problem);
console.log(`browser: ${failed} scenes failed, ${harness.problems.length} page problems`);
process.exitCode = failed || harness.problems.length ? 1 : 0;
