// Test cases with a shared world. Each starts from the same tidy state, and a failure leaves pictures of all open pages.
import { after, before, test } from 'node:test';
import { World } from './world.mjs';

let world;
const only = process.env['E2E_ONLY'];

before(async () => {
  const began = Date.now();
  world = await World.start();
  await Promise.all([world.agent('luis'), world.agent('fernando')]);
  console.log(`ramal dev and two consoles are up after ${Date.now() - began} ms`);
});

after(async () => {
  await world?.stop();
});

/** scenario declares a test; E2E_ONLY=words runs those whose name contains them. */
export function scenario(name, run) {
  if (only && !name.includes(only)) return;
  test(name, { timeout: 60_000 }, async () => {
    let failed = true;
    try {
      await run(world);
      failed = false;
    } catch (err) {
      const where = await world.picture(name);
      err.message += `\n  pictures in ${where}`;
      const log = world.engine.log.trim().split('\n').slice(-12).join('\n  ');
      if (log) err.message += `\n  the engine's last words:\n  ${log}`;
      throw err;
    } finally {
      await world.tidy().catch((err) => {
        if (!failed) throw err;
        console.error(`  after the failure: ${err.message}`);
      });
    }
  });
}
