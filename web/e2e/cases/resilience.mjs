// What an agent's day does to a call: reloads, further tabs, a refused microphone, a network that goes away.
import assert from 'node:assert/strict';
import { hears } from '../lib/hearing.mjs';
import { scenario } from '../lib/suite.mjs';
import { tones } from '../lib/tone.mjs';
import { until } from '../lib/until.mjs';
import { startWire } from '../lib/wire.mjs';
import { line } from '../lib/world.mjs';

const voice = { kind: 'tone', hz: tones.customer };

async function rings(world, name) {
  const customer = await world.customer(name);
  await world.sim.setUser(customer.user, { voice });
  await world.sim.act(customer.user, 'call', { pnid: line });
  return customer;
}

scenario('the tab is reloaded in a call: its audio comes back by itself, with its volumes', async (world) => {
  const luis = await world.agent('luis');
  const paula = await rings(world, 'Paula Serra');
  await luis.offer().waitFor();
  await luis.accept();
  await hears(luis, 'Luis', ['customer']);
  await luis.volume(paula.name, 50);
  await luis.gain(tones.customer, 0.5);
  const stored = async () => {
    const { items } = await world.engine.get('/v1/calls?ongoing=true');
    return items.length === 1;
  };
  await until(stored, 'the call is among the ongoing ones');
  await luis.page.reload();
  await luis.talking();
  await hears(luis, 'Luis after the reload', ['customer']);
  await hears(world.ear(paula), 'the customer after the reload', ['luis']);
  await luis.gain(tones.customer, 0.5);
});

scenario('a second tab shows the call, and takes its audio when asked', async (world) => {
  const luis = await world.agent('luis');
  const tab = await world.secondTab(luis);
  const quirino = await rings(world, 'Quirino Alves');
  await Promise.all([luis.offer().waitFor(), tab.offer().waitFor()]);
  await luis.accept();
  await tab.offer().waitFor({ state: 'detached' });
  await tab.by('audio-elsewhere').waitFor();
  await world.look(tab.page, 'the audio is in another tab');
  await hears(tab, 'the second tab', []);
  await tab.by('audio-here').click();
  await tab.talking();
  await hears(tab, 'the second tab', ['customer']);
  await luis.by('audio-elsewhere').waitFor();
  await hears(luis, 'the first tab', []);
  await hears(world.ear(quirino), 'the customer', ['luis']);
  await tab.by('call-end').click();
  await Promise.all([luis.ended(), tab.ended()]);
});

scenario('the microphone is refused: the console says so in words, and one listens', async (world) => {
  const rita = await world.customer('Rita Sales');
  await world.sim.setUser(rita.user, { voice });
  const beatriz = await world.visit('beatriz', { refuse: true });
  await world.sim.act(rita.user, 'call', { pnid: line });
  await beatriz.offer().waitFor();
  await beatriz.accept();
  await beatriz.by('microphone-problem', '[data-problem=denied]').waitFor();
  await world.look(beatriz.page, 'no microphone');
  await hears(beatriz, 'Beatriz', ['customer']);
  await hears(world.ear(rita), 'the customer', []);
});

scenario('the customer has no microphone: the phone says so, and the agent is heard', async (world) => {
  const luis = await world.agent('luis');
  const renata = await world.customer('Renata Luz');
  const phone = await world.phone(renata, { refuse: true });
  await phone.by('call-icon').click();
  await luis.offer().waitFor();
  await luis.accept();
  await phone.call('[data-phase=connected][data-audio=open][data-microphone=denied]').waitFor();
  await hears(phone, 'the customer', ['luis']);
  await hears(luis, 'Luis', []);
});

scenario('the link of the page breaks in a call: the voices stay, the page comes back', async (world) => {
  const wire = await startWire(world.engine.url);
  try {
    const beatriz = await world.visit('beatriz', { url: wire.url });
    const saulo = await rings(world, 'Saulo Neves');
    await beatriz.offer().waitFor();
    const call = await beatriz.accept();
    wire.cut();
    await beatriz.by('connection', ':not([data-phase=open])').waitFor();
    await hears(beatriz, 'Beatriz without a link', ['customer']);
    await hears(world.ear(saulo), 'the customer', ['beatriz']);
    wire.mend();
    await beatriz.online();
    assert.equal(await beatriz.talking(), call);
    await hears(beatriz, 'Beatriz', ['customer']);
    await hears(world.ear(saulo), 'the customer', ['beatriz']);
    await beatriz.by('call-end').click();
    await beatriz.ended();
  } finally {
    await wire.close();
  }
});
