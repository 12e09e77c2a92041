// Asking whether we may call, and what becomes of the answer.
import assert from 'node:assert/strict';
import { hears } from '../lib/hearing.mjs';
import { scenario } from '../lib/suite.mjs';
import { until } from '../lib/until.mjs';
import { line } from '../lib/world.mjs';

scenario('a permission is asked for, given on the phone, told in every tab, and used to call', async (world) => {
  const luis = await world.agent('luis');
  const clara = await world.customer('Clara Nunes');
  const phone = await world.phone(clara);
  await luis.openContact(clara);
  assert.equal(await luis.by('eligibility').getAttribute('data-permission'), 'none');
  await luis.by('call-button', '[aria-disabled=true]').waitFor();
  assert.notEqual(await luis.by('call-reasons').textContent(), '', 'why there is no calling');
  await luis.by('permission-button').click();
  await luis.by('permission-text-input').fill('Podemos ligar sobre a receita?');
  await world.look(luis.page, 'the request form');
  await luis.by('permission-send').click();
  await luis.by('eligibility', '[data-permission=requested]').waitFor();
  await phone.by('message', '[data-kind=permission_request]').waitFor();
  await world.look(phone.page, 'the request on the phone');

  const tab = await world.secondTab(luis);
  await tab.show('settings');
  await luis.show('history');
  await phone.by('answer-accept_temporary').click();
  await phone.by('permission-bar', '[data-status=temporary]').waitFor();
  const toast = await luis.told('permission_granted', clara.name);
  await tab.told('permission_granted', clara.name);
  await world.look(luis.page, 'a notice over the history');
  await tab.page.close();

  await toast.getByTestId('notice-call').click();
  await phone.rings();
  await world.look(phone.page, 'the ringing phone');
  assert.match(await luis.by('permission-text').textContent(), /\b[45]\b.*\b5\b/, 'calls left today');
  await phone.by('call-accept').click();
  await luis.talking();
  await phone.talking();
  await hears(luis, 'Luis', ['customer']);
  await hears(phone, 'the customer', ['luis']);
  await world.look(phone.page, 'the phone in a call');
  await luis.by('call-end').click();
  assert.match(await luis.ended(), /atendente|você|Luis/i, 'who ended it');
  await phone.call('[data-phase=ended][data-outcome=completed]').waitFor();
  const left = async () => /\b4\b.*\b5\b/.test(await luis.by('permission-text').textContent());
  await until(left, 'one call of today less');
});

scenario('a permission that is declined, and one that is taken back', async (world) => {
  const luis = await world.agent('luis');
  const dora = await world.customer('Dora Maciel');
  const phone = await world.phone(dora);
  await luis.openContact(dora);
  await luis.by('permission-button').click();
  await luis.by('permission-send').click();
  await phone.by('answer-decline').click();
  await luis.told('permission_declined', dora.name);
  await luis.by('eligibility', '[data-permission=declined]').waitFor();
  await luis.by('call-button', '[aria-disabled=true]').waitFor();

  await world.sim.act(dora.user, 'permission', { action: 'grant_permanent', pnid: line });
  await luis.by('eligibility', '[data-permission=granted_permanent]').waitFor();
  await luis.by('call-button', ':not([aria-disabled])').waitFor();
  await phone.by('permission-revoke').click();
  await luis.told('permission_revoked', dora.name);
  await luis.by('eligibility', '[data-permission=revoked]').waitFor();
  await luis.by('call-button', '[aria-disabled=true]').waitFor();
});
