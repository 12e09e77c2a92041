// Several in one call: invited, heard, louder and softer, silent, gone.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hears } from '../lib/hearing.mjs';
import { scenario } from '../lib/suite.mjs';
import { tones } from '../lib/tone.mjs';
import { line } from '../lib/world.mjs';

const ana = { user: '5511987654321', name: 'Ana Souza' }; // of the demo: Fernando had an order of hers
const voice = { kind: 'tone', hz: tones.customer };

/** talk brings a customer and Luis together. */
async function talk(world, customer) {
  const luis = await world.agent('luis');
  await world.sim.setUser(customer.user, { voice });
  await world.sim.act(customer.user, 'call', { pnid: line });
  await luis.offer().waitFor();
  await luis.accept();
  return luis;
}

/** three brings Fernando in as well. */
async function three(world, customer) {
  const luis = await talk(world, customer);
  const fernando = await world.agent('fernando');
  await fernando.offer().waitFor({ state: 'detached' });
  await luis.invite('fernando');
  await fernando.offer('[data-kind=invite]').waitFor();
  await fernando.accept();
  await luis.person('Fernando Costa').and(luis.by('participant', '[data-state=connected]')).waitFor();
  return { luis, fernando };
}

const picture = process.env['E2E_PICTURE']; // folder for the picture of the README

scenario('a colleague is invited with a note and joins: three hear each other', async (world) => {
  const [luis, fernando] = await Promise.all([world.agent('luis'), world.agent('fernando')]);
  const says = async (text) => {
    await world.sim.act(ana.user, 'text', { pnid: line, text });
    await luis.by('message').filter({ hasText: text }).waitFor();
  };
  await luis.openContact(ana);
  await says('Oi! O orçamento do pedido 991 já inclui a entrega?');
  await luis.by('message-input').fill('Inclui, sim. Posso confirmar o endereço por aqui mesmo.');
  await luis.by('message-send').click();
  await says('Prefiro falar, pode ser?');
  const said = await luis.by('message').locator('.message-text').allTextContents();
  assert.deepEqual(
    said.slice(-3).map((text) => text.split(/[!, ]/)[0]),
    ['Oi', 'Inclui', 'Prefiro'],
    'question, answer, question: in this order',
  );
  await talk(world, ana);
  await luis.by('invite-open').click();
  await luis.by('invite-entry').first().waitFor();
  const order = await luis.by('invite-entry').evaluateAll((all) => all.map((entry) => entry.dataset['agentId']));
  assert.equal(order[0], 'fernando', `who is involved comes first: ${order}`);
  await world.look(luis.page, 'the invite panel');
  await luis.by('invite-note').fill('Cliente quer saber do pedido 874');
  await luis.by('invite-entry', '[data-agent-id=fernando]').getByTestId('invite-send').click();
  await luis.person('Fernando Costa').and(luis.by('participant', '[data-state=invited]')).waitFor();
  await fernando.offer('[data-kind=invite]').waitFor();
  assert.match(await fernando.by('offer-why').textContent(), /Luis Andrade/, 'who invites');
  assert.match(await fernando.by('offer-note').textContent(), /874/, 'the note');
  await world.look(fernando.page, 'the invitation');
  await fernando.accept();
  await luis.by('invite-open', '[aria-expanded=false]').waitFor(); // it closes by itself: the colleague is here
  await Promise.all([
    hears(luis, 'Luis', ['customer', 'fernando']),
    hears(fernando, 'Fernando', ['customer', 'luis']),
    hears(world.ear(ana), 'the customer', ['luis', 'fernando']),
  ]);
  await world.look(luis.page, 'a call of three');
  await luis.by('conversation').locator('.conversation-head a[href*="history/call_"]').waitFor(); // it says: in a call
  if (picture) {
    mkdirSync(picture, { recursive: true });
    await luis.page.mouse.move(640, 790); // away from the buttons
    await luis.page.screenshot({ path: join(picture, 'call.png') });
  }
});

scenario('volumes, silence for me, and my own microphone', async (world) => {
  const lia = await world.customer('Lia Fontes');
  const { luis, fernando } = await three(world, lia);
  await hears(luis, 'Luis', ['customer', 'fernando']);
  await luis.gain(tones.customer, 1);
  await luis.volume(lia.name, 50);
  await luis.gain(tones.customer, 0.5);
  await luis.volume(lia.name, 200);
  await luis.gain(tones.customer, 2);
  await luis.gain(tones.fernando, 1);
  await luis.volume(lia.name, 0);
  await hears(luis, 'Luis with the customer at 0 %', ['fernando']);
  await hears(fernando, 'Fernando, who changed nothing', ['customer', 'luis']);
  await luis.volume(lia.name, 100);
  await hears(luis, 'Luis', ['customer', 'fernando']);
  await luis.person('Fernando Costa').getByTestId('participant-silence').click();
  await hears(luis, 'Luis, who silenced Fernando', ['customer']);
  await hears(world.ear(lia), 'the customer', ['luis', 'fernando']);
  await luis.person('Fernando Costa').getByTestId('participant-silence').click();

  await luis.by('call-mute').click();
  await luis.person('Luis Andrade').getByTestId('participant-muted').waitFor();
  await fernando.person('Luis Andrade').getByTestId('participant-muted').waitFor();
  await Promise.all([
    hears(world.ear(lia), 'the customer', ['fernando']),
    hears(fernando, 'Fernando', ['customer']),
    hears(luis, 'Luis, who is mute', ['customer', 'fernando']),
  ]);
  await luis.by('call-mute').click();
  await hears(world.ear(lia), 'the customer', ['luis', 'fernando']);
});

scenario('two calls at once: each hears its own', async (world) => {
  const telma = await world.customer('Telma Cruz');
  const valdir = await world.customer('Valdir Pena');
  const luis = await talk(world, telma);
  const fernando = await world.agent('fernando');
  await fernando.offer().waitFor({ state: 'detached' });
  await world.sim.setUser(valdir.user, { voice: { kind: 'tone', hz: tones.second } });
  await world.sim.act(valdir.user, 'call', { pnid: line });
  await fernando.offer().waitFor();
  assert.equal(await luis.offer().count(), 0, 'who is in a call is not asked');
  await fernando.accept();
  await Promise.all([
    hears(luis, 'Luis', ['customer']),
    hears(fernando, 'Fernando', ['second']),
    hears(world.ear(telma), 'Telma', ['luis']),
    hears(world.ear(valdir), 'Valdir', ['fernando']),
  ]);
});

scenario('one leaves and the call goes on; the last one ends it', async (world) => {
  const mauro = await world.customer('Mauro Pires');
  const { luis, fernando } = await three(world, mauro);
  await luis.by('call-leave').click();
  await luis.ended();
  await luis.by('presence-state', '[data-presence=available]').waitFor();
  await fernando.person('Luis Andrade').waitFor({ state: 'detached' });
  await hears(fernando, 'Fernando', ['customer']);
  await hears(world.ear(mauro), 'the customer', ['fernando']);
  assert.equal(await fernando.by('call-leave').count(), 0, 'the last one cannot leave, only hang up');
  await fernando.by('call-end').click();
  assert.match(await fernando.ended(), /atendente|você|Fernando/i, 'who ended it');
  assert.equal((await world.sim.liveCalls(mauro.user)).length, 0, 'the customer is not left alone');
});

scenario('one ends the call for all, after a question', async (world) => {
  const nina = await world.customer('Nina Couto');
  const { luis, fernando } = await three(world, nina);
  await luis.by('call-end').click();
  await luis.by('call-end-confirm').waitFor();
  assert.equal(await fernando.card('[data-state=active]').count(), 1, 'asking ends nothing');
  await world.look(luis.page, 'the question before the end');
  await luis.by('call-end-confirm').click();
  await Promise.all([luis.ended(), fernando.ended()]);
  assert.equal((await world.sim.liveCalls(nina.user)).length, 0, 'it ended for the customer too');
});

scenario('an invitation is refused, another is taken back', async (world) => {
  const oscar = await world.customer('Oscar Viana');
  const luis = await talk(world, oscar);
  const fernando = await world.agent('fernando');
  await luis.invite('fernando', 'Pode ajudar?');
  await fernando.offer('[data-kind=invite]').waitFor();
  await fernando.by('offer-decline').click();
  await luis.told('invite_declined', 'Fernando Costa');
  await luis.person('Fernando Costa').waitFor({ state: 'detached' });
  await luis.by('invite-entry', '[data-agent-id=fernando]').getByTestId('invite-send').click();
  await fernando.offer('[data-kind=invite]').waitFor();
  await luis.by('invite-cancel').click();
  await fernando.offer().waitFor({ state: 'detached' });
  await hears(luis, 'Luis', ['customer']);
});
