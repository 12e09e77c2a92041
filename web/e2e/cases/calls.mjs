// One call, one agent: who rings, who answers, who is heard, who ended it, and what the history says.
import assert from 'node:assert/strict';
import { hears } from '../lib/hearing.mjs';
import { scenario } from '../lib/suite.mjs';
import { until } from '../lib/until.mjs';
import { line } from '../lib/world.mjs';

const ana = { user: '5511987654321', name: 'Ana Souza' }; // of the demo: her order 991 is Luis's

scenario(
  'a customer calls from the phone, the agent of the order answers, both hear, the customer hangs up',
  async (world) => {
    const luis = await world.agent('luis');
    const phone = await world.phone(ana);
    await phone.by('call-icon').click();
    await luis.offer('[data-kind=inbound]').waitFor();
    assert.match(await luis.by('offer-why').textContent(), /991/, 'why me: the order');
    await world.look(luis.page, 'the modal');
    await phone.call('[data-phase=ringing][data-direction=outgoing]').waitFor();
    await world.look(phone.page, 'the calling phone');
    const call = await luis.accept();
    await phone.talking();
    await hears(luis, 'Luis', ['customer']);
    await hears(phone, 'the customer at the page', ['luis']);
    await hears(world.ear(ana), 'the customer', ['luis']);
    const before = await luis.seconds();
    await until(async () => (await luis.seconds()) > before, 'the timer runs');
    await world.look(luis.page, 'the call card');
    await phone.by('call-hangup').click();
    assert.match(await luis.ended(), /pelo contato/, 'who ended it');
    await phone.call('[data-phase=ended][data-outcome=completed]').waitFor();

    await luis.show('history');
    await luis.by('history-row', `[data-call-id="${call}"][data-state=ended]`).click();
    await luis.by('call-detail', `[data-call-id="${call}"]`).waitFor();
    await luis.by('call-journal').locator('li').nth(3).waitFor(); // the journal tells the call
    await world.look(luis.page, 'the history');
    await luis.openContact(ana);
    await luis.by('call-entry', `[data-call-id="${call}"]`).waitFor();
  },
);

scenario('the company calls, the customer answers, both hear, the customer hangs up', async (world) => {
  const luis = await world.agent('luis');
  const elisa = await world.customer('Elisa Prado');
  await world.mayCall(elisa);
  const phone = await world.phone(elisa);
  await luis.openContact(elisa);
  await luis.by('call-button').click();
  await phone.rings();
  await luis.card('[data-state=ringing]').waitFor();
  await world.look(luis.page, 'the ringing call card');
  assert.equal(await luis.by('call-timer').count(), 0, 'talk time begins at pick-up');
  await phone.by('call-accept').click();
  const call = await luis.talking();
  await phone.talking();
  await hears(luis, 'Luis', ['customer']);
  await hears(phone, 'the customer', ['luis']);
  await luis.by('call-timer').waitFor();
  await phone.page.reload();
  await phone.talking();
  await hears(luis, 'Luis after the phone was reloaded', ['customer']);
  await hears(phone, 'the customer after the reload', ['luis']);
  await phone.by('call-hangup').click();
  assert.match(await luis.ended(), /pelo contato/, 'who ended it');
  await luis.by('call-entry', `[data-call-id="${call}"]`).waitFor();
});

scenario('the company gives up before the customer answers', async (world) => {
  const luis = await world.agent('luis');
  const bento = await world.customer('Bento Farias');
  await world.mayCall(bento);
  const phone = await world.phone(bento);
  await luis.openContact(bento);
  await luis.by('call-button').click();
  await phone.rings();
  await luis.by('call-end').click();
  await luis.ended();
  await phone.call('[data-phase=ended]').waitFor();
  await phone.by('call-line', '[data-direction=incoming]:not([data-outcome=completed])').waitFor();
});

scenario('the customer refuses a call of the company', async (world) => {
  const luis = await world.agent('luis');
  const flavio = await world.customer('Flávio Reis');
  await world.mayCall(flavio);
  const phone = await world.phone(flavio);
  await luis.openContact(flavio);
  await luis.by('call-button').click();
  await phone.rings();
  await phone.by('call-decline').click();
  assert.match(await luis.ended(), /recusou/, 'why it ended');
  await phone.call('[data-phase=ended][data-outcome=declined]').waitFor();
});

scenario('a call button is sent, pressed, and rings at who sent it', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const celso = await world.customer('Celso Prado');
  const phone = await world.phone(celso);
  await fernando.openContact(celso);
  await fernando.by('call-button-message').click();
  await phone.by('voice-call', '[data-expired=false]').click();
  await fernando.offer().waitFor();
  assert.equal(await luis.offer().count(), 0, 'it is the call of who sent the button');
  await fernando.accept();
  await hears(fernando, 'Fernando', ['customer']);
  await hears(phone, 'the customer', ['fernando']);
});

scenario('two agents ring, one answers, the modal of the other closes', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const gilda = await world.customer('Gilda Matos');
  const phone = await world.phone(gilda);
  await phone.by('call-icon').click();
  await Promise.all([luis.offer().waitFor(), fernando.offer().waitFor()]);
  await fernando.accept();
  await luis.offer().waitFor({ state: 'detached' });
  await hears(fernando, 'Fernando', ['customer']);
  await hears(phone, 'the customer', ['fernando']);
  assert.equal(await luis.card().count(), 0, 'the other is in no call');
});

scenario('a refusal silences only who refused', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const helio = await world.customer('Hélio Braga');
  await world.sim.act(helio.user, 'call', { pnid: line });
  await Promise.all([luis.offer().waitFor(), fernando.offer().waitFor()]);
  await fernando.by('offer-decline').click();
  await fernando.offer().waitFor({ state: 'detached' });
  assert.equal(await luis.offer().count(), 1, 'the other still rings');
  await luis.accept();
  await hears(world.ear(helio), 'the customer', ['luis']);
});

scenario('two agents answer in the same moment: one has the call, the other is told', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const iara = await world.customer('Iara Lopes');
  await world.sim.act(iara.user, 'call', { pnid: line });
  await Promise.all([luis.offer().waitFor(), fernando.offer().waitFor()]);
  const press = (console_) =>
    console_.page.evaluate(() => document.querySelector('[data-testid="offer-accept"]')?.click());
  await Promise.all([press(luis), press(fernando)]);
  const inCall = (console_) => console_.card('[data-state=active]').count();
  await until(async () => (await inCall(luis)) + (await inCall(fernando)) === 1, 'exactly one has it');
  for (const console_ of [luis, fernando]) await console_.offer().waitFor({ state: 'detached' });
  const winner = (await inCall(luis)) ? luis : fernando;
  const loser = winner === luis ? fernando : luis;
  await loser.card().waitFor({ state: 'detached' });
  await hears(world.ear(iara), 'the customer', [winner.agent]);
});

scenario('the customer gives up: the modals close and a missed call is told', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const joana = await world.customer('Joana Dias');
  const phone = await world.phone(joana);
  await phone.by('call-icon').click();
  await Promise.all([luis.offer().waitFor(), fernando.offer().waitFor()]);
  await phone.by('call-hangup').click();
  await Promise.all([luis, fernando].map((console_) => console_.offer().waitFor({ state: 'detached' })));
  await Promise.all([luis, fernando].map((console_) => console_.told('call_missed', joana.name)));
  await phone.call('[data-phase=ended][data-outcome=cancelled]').waitFor();
  await luis.by('notice-bell').click();
  const notice = luis.by('notice', '[data-kind=call_missed]').filter({ hasText: joana.name });
  await notice.waitFor();
  await world.look(luis.page, 'the list of notices');
  await notice.getByTestId('notice-ack').click();
  await notice.waitFor({ state: 'detached' });
  await luis.show('history?end_reason=abandoned');
  await luis.by('history-row').filter({ hasText: joana.name }).waitFor();
});

scenario('a call is answered and ended with the keyboard alone', async (world) => {
  const luis = await world.agent('luis');
  const katia = await world.customer('Kátia Brito');
  const focus = () => luis.page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
  const reach = async (testid) => {
    for (let n = 0; n < 60; n++) {
      if ((await focus()) === testid) return;
      await luis.page.keyboard.press('Tab');
    }
    assert.fail(`${testid} is not reached with Tab`);
  };
  await luis.by('contact-search').focus();
  await world.sim.act(katia.user, 'call', { pnid: line });
  await luis.offer().waitFor();
  await luis.page.keyboard.press('Escape');
  await luis.page.keyboard.press('Enter'); // as if typing when it came: neither answers nor refuses
  assert.equal(await luis.offer().count(), 1, 'the modal stays');
  await reach('offer-accept');
  await luis.page.keyboard.press('Enter');
  await luis.talking();
  await reach('call-mute');
  await luis.page.keyboard.press('Space');
  await luis.person('Luis Andrade').getByTestId('participant-muted').waitFor();
  await reach('call-end');
  await luis.page.keyboard.press('Enter');
  await luis.ended();
});

scenario('who knows the customer rings first, the others after ten seconds', async (world) => {
  const celia = { user: '5511965432109', name: 'Célia Ramos' }; // of the demo: a contact of Beatriz
  const all = await Promise.all([world.agent('luis'), world.agent('fernando'), world.visit('beatriz')]);
  const [luis, fernando, beatriz] = all;
  const phone = await world.phone(celia);
  const began = Date.now();
  await phone.by('call-icon').click();
  await beatriz.offer().waitFor();
  assert.equal((await luis.offer().count()) + (await fernando.offer().count()), 0, 'the others do not ring yet');
  await Promise.all([luis.offer().waitFor(), fernando.offer().waitFor()]);
  assert.ok(Date.now() - began >= 10_000, `the others rang after ${Date.now() - began} ms`);
  assert.equal(await beatriz.offer().count(), 1, 'the first still rings');
  for (const console_ of all) {
    await console_.by('offer-decline').click();
    await console_.offer().waitFor({ state: 'detached' });
  }
  await phone.by('call-hangup').click();
  await luis.told('call_missed', celia.name);
});

scenario('an agent on a break is not asked', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const denis = await world.customer('Denis Rocha');
  await fernando.by('presence').click();
  await fernando.by('presence-break-lunch').click();
  await fernando.by('presence-state', '[data-presence=break]').waitFor();
  try {
    await world.sim.act(denis.user, 'call', { pnid: line });
    await luis.offer().waitFor();
    await luis.accept();
    assert.equal(await fernando.offer().count(), 0, 'who has a break does not ring');
    await luis.by('invite-open').click();
    await luis.by('invite-entry', '[data-agent-id=fernando][data-presence=break]').waitFor();
  } finally {
    await fernando.by('presence').click();
    await fernando.by('presence-available').click();
  }
});
