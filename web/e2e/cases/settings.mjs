// What a supervisor sets for a line is what the customer's phone shows.
import assert from 'node:assert/strict';
import { scenario } from '../lib/suite.mjs';

const days = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];

/** farDay is a day of the week that is neither today nor next to it anywhere on earth. */
const farDay = () => days[(new Date().getUTCDay() + 3) % 7];

/** restore puts the line back to how the demo begins, whatever a test left. */
async function restore(world) {
  const headers = { Authorization: `Bearer ${world.engine.token('camila', 'supervisor')}` };
  const url = `${world.engine.url}/v1/lines/matriz/settings`;
  const now = await fetch(url, { headers });
  const settings = { calling: true, icon_visible: true, callback_permission: true };
  const done = await fetch(url, {
    method: 'PUT',
    headers: { ...headers, 'Content-Type': 'application/json', 'If-Match': now.headers.get('etag') },
    body: JSON.stringify(settings),
  });
  assert.ok(done.ok, `settings restored: ${done.status} ${await done.text()}`);
}

async function openLine(world) {
  const camila = await world.visit('camila');
  await camila.show('settings');
  await camila.by('settings-line', '[data-line-id=matriz]').click();
  await camila.by('line-settings').waitFor();
  return camila;
}

async function save(console_) {
  await console_.by('line-save').click();
  await console_.by('line-save', '[disabled]:not([aria-busy])').waitFor();
}

scenario('a supervisor hides the call icon and sets hours: the phone follows', async (world) => {
  const tina = await world.customer('Tina Melo');
  const phone = await world.phone(tina);
  await phone.by('call-icon').waitFor();
  try {
    const camila = await openLine(world);
    await world.look(camila.page, 'the settings of a line');
    await camila.by('line-icon').uncheck();
    await save(camila);
    await phone.by('call-icon').waitFor({ state: 'detached' });
    await camila.by('line-icon').check();
    await camila.by('hours-business').check();
    const open = farDay();
    for (const day of days) {
      const openings = camila.by(`day-${day}`).locator('.opening');
      if (day === open && (await openings.count()) === 0) await camila.by(`day-${day}`).locator('> button').click();
      while (day !== open && (await openings.count()) > 0) await openings.first().locator('button').click();
    }
    await world.look(camila.page, 'the hours of a line');
    await save(camila);
    await phone.by('chat-line', '[data-open=false]').waitFor();
    await phone.by('call-icon').click();
    await phone.by('closed-sheet').waitFor();
    await world.look(phone.page, 'a call outside the hours');
  } finally {
    await restore(world);
  }
  await phone.by('chat-line', '[data-open=true]').waitFor();
});

scenario('two supervisors change a line at once: the second is asked', async (world) => {
  try {
    const [one, two] = [await openLine(world), await openLine(world)];
    await one.by('line-callback').click();
    await save(one);
    await two.by('line-icon').uncheck();
    await two.by('line-save').click();
    await two.by('line-conflict').waitFor();
    await world.look(two.page, 'a conflict of settings');
    await two.by('line-take-theirs').click();
    await two.by('line-conflict').waitFor({ state: 'detached' });
    assert.equal(await two.by('line-icon').isChecked(), true, 'theirs are shown');
  } finally {
    await restore(world);
  }
});
