// Narrow windows and the other language.
import assert from 'node:assert/strict';
import { scenario } from '../lib/suite.mjs';
import { line } from '../lib/world.mjs';

scenario('the console works at 400 px', async (world) => {
  const ursula = await world.customer('Úrsula Campos');
  const luis = await world.visit('luis', { viewport: { width: 400, height: 800 } });
  const seen = async (name) => {
    await world.look(luis.page, `${name} at 400 px`);
    await world.shoot(luis.page, `400-${name}`);
  };
  await luis.by('contact-row').first().waitFor();
  await seen('contacts');
  await luis.openContact(ursula);
  await luis.by('message').first().waitFor();
  await seen('conversation');
  await luis.show('history');
  await seen('history');
  await luis.show('settings');
  await seen('settings');
  await luis.openContact(ursula);
  await world.sim.act(ursula.user, 'call', { pnid: line });
  await luis.offer().waitFor();
  await seen('modal');
  await luis.accept();
  await seen('call');
  await luis.by('invite-open').click();
  await luis.by('invite-entry').first().waitFor();
  await seen('invite');
  await luis.by('call-end').click();
  await luis.ended();
  await seen('ended');
});

scenario('the language is switched and remembered, on both pages', async (world) => {
  const luis = await world.visit('luis');
  const word = () => luis.by('nav-history').textContent();
  const before = await word();
  await luis.by('language-switch').click();
  await luis.page.locator('html[lang=en]').waitFor();
  const after = await word();
  assert.notEqual(after, before, 'the words changed');
  await world.look(luis.page, 'the console in English');
  await luis.page.reload();
  await luis.page.locator('html[lang=en]').waitFor();
  assert.equal(await word(), after, 'it is remembered');

  const vera = await world.customer('Vera Assis');
  const phone = await world.phone(vera);
  await phone.by('open-profile').click();
  const text = () => phone.by('profile-access').textContent();
  const portuguese = await text();
  await phone.by('language').selectOption('en');
  await phone.page.locator('html[lang=en]').waitFor();
  assert.notEqual(await text(), portuguese, 'the words of the phone changed');
  await phone.page.reload();
  await phone.page.locator('html[lang=en]').waitFor();
});
