// Scenes without a call: sign-in, lists, conversation, notices, presence, history, settings, connection.
import assert from 'node:assert/strict';
import { by, until } from './harness.mjs';

const hour = 3_600_000;
const text = (page, id) => by(page, id).first().innerText();

export async function signIn(h, open) {
  const page = await h.tab(await open(), '');
  await h.look(page, 'token');
  await by(page, 'token-input').fill('nada');
  await by(page, 'token-enter').click();
  await page.waitForSelector('text=Isto não parece um código');
  await by(page, 'token-input').fill(h.server.link('ag_luis'));
  await by(page, 'token-enter').click();
  await page.waitForSelector('[data-testid=connection][data-phase=open]');
  await page.reload();
  await page.waitForSelector('[data-testid=connection][data-phase=open]');
  const fromLink = await h.tab(await open(), 'ag_luis');
  assert.equal(new URL(fromLink.url()).hash, '#/contacts', 'the token leaves the address');
  const refused = await h.tab(await open(), '');
  await by(refused, 'token-input').fill(h.server.token('ag_nobody'));
  await by(refused, 'token-enter').click();
  await refused.waitForSelector('[data-testid=token-refused]');
  await h.look(refused, 'token-refused');
}

export async function contactList(h, open) {
  const page = await h.tab(await open(), 'ag_luis');
  await by(page, 'contact-row').first().waitFor();
  await h.look(page, 'contacts');
  assert.equal(await by(page, 'contact-row').count(), 50);
  await by(page, 'load-more').scrollIntoViewIfNeeded();
  await until(async () => (await by(page, 'contact-row').count()) > 50, 'the next page');

  await by(page, 'contact-search').fill('carla');
  await until(async () => (await by(page, 'contact-row').count()) === 1, 'search');
  await page.reload();
  await until(async () => (await by(page, 'contact-row').count()) === 1, 'a reload keeps the search');
  await by(page, 'contact-search').fill('ninguém assim');
  await by(page, 'contacts-empty').waitFor();
  await h.look(page, 'contacts-empty');
  await by(page, 'clear-filters').click();
  await until(async () => (await by(page, 'contact-row').count()) === 50, 'filters cleared');
  await by(page, 'filter-mine').click();
  await until(async () => (await by(page, 'contact-row').count()) === 26, 'mine');
  await by(page, 'filter-mine').click();
  await by(page, 'filter-status').selectOption('Em entrega');
  await until(async () => (await by(page, 'contact-row').count()) === 43, 'status');
  await by(page, 'filter-status').selectOption('');
  await until(async () => (await by(page, 'contact-row').count()) === 50, 'all again');

  // a row changes in place; a contact that is not in the list waits behind a button while somebody points at the list
  await by(page, 'contact-row').nth(3).hover();
  const known = h.server.contacts[3];
  Object.assign(known, { version: 2, ongoing_call: 'cl_x' });
  h.server.hint('contact.changed', known);
  await page.waitForSelector(`[data-contact-id=${known.id}] [data-testid=contact-in-call]`);
  assert.equal(await by(page, 'contact-row').nth(3).getAttribute('data-contact-id'), known.id);
  const fresh = { ...known, id: 'ct_new', name: 'Zélia Nova', ongoing_call: undefined };
  h.server.contacts.unshift(fresh);
  h.server.hint('contact.changed', fresh);
  await by(page, 'contact-changes').click();
  await until(
    async () => (await by(page, 'contact-row').first().getAttribute('data-contact-id')) === 'ct_new',
    'shown',
  );

  h.server.restFailures.set('/v1/contacts', { status: 503, code: 'store_away' });
  await by(page, 'contact-search').fill('x');
  await by(page, 'failed').first().waitFor();
  await h.look(page, 'contacts-failed');
}

export async function conversation(h, open) {
  const page = await h.tab(await open(), 'ag_luis', '#/contacts/ct_0');
  await by(page, 'permission-text').waitFor();
  assert.match(await text(page, 'permission-text'), /^Pode ligar até .*, 3 de 5 ligações restantes hoje$/);
  await by(page, 'message').first().waitFor();
  await h.look(page, 'conversation');
  const before = await by(page, 'message').count();
  await by(page, 'timeline').evaluate((element) => element.scrollTo(0, -element.scrollHeight));
  await until(async () => (await by(page, 'message').count()) > before, 'older messages');

  await by(page, 'message-input').fill('Bom dia! Seu pedido saiu.');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid=message] >> text=Seu pedido saiu.');
  h.server.addMessage('ct_0', { direction: 'in', text: 'Obrigada!' });
  await page.waitForSelector('[data-testid=message] >> text=Obrigada!');
  await by(page, 'call-button-message').click();
  await page.waitForSelector('[data-testid=message][data-kind=call_button]');
  await by(page, 'timeline-calls').click();
  await by(page, 'call-entry').first().waitFor();
  assert.equal(await by(page, 'message').count(), 0);
  await h.look(page, 'contact-calls');
}

export async function permission(h, open) {
  const page = await h.tab(await open(), 'ag_luis', '#/contacts/ct_1');
  await by(page, 'call-reasons').waitFor();
  assert.equal(await text(page, 'call-reasons'), 'O contato ainda não permitiu ligações.');
  assert.equal(await by(page, 'call-button').getAttribute('aria-disabled'), 'true');
  assert.equal(await by(page, 'message-input').isDisabled(), true);
  await by(page, 'permission-button').click();
  assert.match(await text(page, 'permission-via'), /modelo/);
  await h.look(page, 'permission-form');
  h.server.failMessages = 'template_missing: template pode_ligar_v1 does not exist in pt_BR';
  const eligibility = h.server.eligibility.get('ct_1');
  await by(page, 'permission-send').click();
  await page.waitForSelector('[data-testid=toast-error] >> text=não foi entregue: O modelo de mensagem');
  await page.waitForSelector('[data-testid=message] .message-error >> text=O modelo de mensagem');
  assert.equal(await page.locator('[data-testid=toast]').count(), 0, 'no word of success');
  h.server.failMessages = '';
  if (eligibility) h.server.eligibility.set('ct_1', eligibility);
  else h.server.eligibility.delete('ct_1');
  h.server.addMessage('ct_1', { direction: 'in', text: 'Oi' }); // the answer is asked for again
  await page.waitForSelector('[data-testid=eligibility][data-permission=none]');
  await by(page, 'permission-button').click();
  await by(page, 'permission-send').click();
  await page.waitForSelector('[data-testid=toast] >> text=enviado como modelo');
  await page.waitForSelector('[data-testid=eligibility][data-permission=requested]');
  assert.match(await text(page, 'request-reasons'), /a partir de amanhã/);

  // granted while the agent is somewhere else: a toast on any screen, with a button to call
  await by(page, 'nav-history').click();
  const until72 = new Date(Date.now() + 72 * hour).toISOString();
  h.server.eligibility.set('ct_1', { ...h.server.eligibilityOf('ct_0'), contact_id: 'ct_1' });
  h.server.notice('ag_luis', {
    kind: 'permission_granted',
    contact_id: 'ct_1',
    contact_name: 'Bruno Carvalho',
    line_id: 'ln_1',
    until: until72,
  });
  await by(page, 'toast-notice').waitFor();
  await h.look(page, 'notice-toast');
  h.server.notice('ag_luis', {
    kind: 'call_missed',
    contact_id: 'ct_2',
    contact_name: 'Carla Dias',
    call_id: 'cl_old2',
  });
  h.server.notice('ag_luis', { kind: 'permission_revoked', contact_id: 'ct_3', contact_name: 'Diego Matos' });
  await until(async () => (await text(page, 'notice-count')) === '3', 'three notices');
  await by(page, 'notice-bell').click();
  await h.look(page, 'notice-list');
  await page.locator('[data-testid=notice][data-kind=permission_revoked] [data-testid=notice-ack]').click();
  await until(async () => (await text(page, 'notice-count')) === '2', 'acknowledged');
  await page.locator('[data-testid=notice][data-kind=permission_granted] [data-testid=notice-call]').click();
  await page.waitForSelector('[data-testid=call-card][data-state=dialing]');
  assert.match(page.url(), /#\/contacts\/ct_1/);

  const declined = await h.tab(page.context(), 'ag_marta', '#/contacts/ct_2');
  await by(declined, 'unanswered').waitFor();
  assert.equal(await by(declined, 'permission-button').getAttribute('aria-disabled'), 'true');
  await h.look(declined, 'permission-declined');
}

export async function presence(h, open) {
  const page = await h.tab(await open(), 'ag_fernando');
  await by(page, 'presence').click();
  await h.look(page, 'presence-menu');
  await by(page, 'presence-break-lunch').click();
  await until(async () => (await text(page, 'presence-state')) === 'Pausa: almoço', 'the break');
  h.server.refusals.set('agent.set_presence', { kind: 'conflict', code: 'in_call' });
  await by(page, 'presence').click();
  await by(page, 'presence-available').click();
  await page.waitForSelector('[data-testid=toast-error] >> text=durante uma ligação');
  h.server.refusals.clear();
  h.server.setPresence('ag_fernando', 'not_responding');
  await by(page, 'presence-return').waitFor();
  await h.look(page, 'not-responding');
  await by(page, 'presence-return').click();
  await until(async () => (await text(page, 'presence-state')) === 'Disponível', 'back');
}

export async function history(h, open) {
  const page = await h.tab(await open(), 'ag_luis', '#/history');
  await by(page, 'history-row').first().waitFor();
  await h.look(page, 'history');
  await by(page, 'history-outcome').selectOption('no_answer');
  await until(async () => (await by(page, 'history-row').count()) === 12, 'by outcome');
  await page.reload();
  await until(async () => (await by(page, 'history-row').count()) === 12, 'a reload keeps the filter');
  await by(page, 'history-outcome').selectOption('');
  const day = new Date(Date.now() - 24 * hour);
  const local = `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, '0')}-${String(day.getDate()).padStart(2, '0')}`;
  await by(page, 'history-from').fill(local);
  await until(async () => (await by(page, 'history-row').count()) < 12, 'by date');
  await by(page, 'history-row').first().click();
  await by(page, 'call-journal').waitFor();
  assert.match(await text(page, 'call-journal'), /Luis Andrade atendeu/);
  await h.look(page, 'call-detail');
}

export async function settings(h, open) {
  const page = await h.tab(await open(), 'ag_luis', '#/settings');
  await by(page, 'microphone-test').click();
  await page.waitForSelector('meter');
  await h.look(page, 'settings');
  await by(page, 'settings-line').click();
  await by(page, 'line-settings').waitFor();
  await h.look(page, 'line-settings');
  const monday = by(page, 'day-MONDAY');
  await monday.locator('input[type=time]').nth(1).fill('14:00');
  await monday.locator('.field-error').waitFor();
  assert.equal(await by(page, 'line-save').isDisabled(), true);
  await monday.locator('input[type=time]').nth(1).fill('12:30');
  await by(page, 'line-icon').uncheck();
  await by(page, 'line-save').click();
  await by(page, 'line-pending').waitFor();
  assert.equal(h.server.settings.value.hours.weekly[0].close, '1230');
  assert.equal(h.server.settings.value.icon_visible, false);

  h.server.settings.etag = '"somebody else"';
  await by(page, 'line-callback').uncheck();
  await by(page, 'line-save').click();
  await by(page, 'line-conflict').waitFor();
  await h.look(page, 'line-conflict');
  await by(page, 'line-keep-mine').click();
  await by(page, 'line-conflict').waitFor({ state: 'detached' });
  assert.equal(h.server.settings.value.callback_permission, false);

  const agent = await h.tab(await open(), 'ag_fernando', '#/settings');
  await by(agent, 'language').waitFor();
  assert.equal(await by(agent, 'settings-line').count(), 0);
}

export async function language(h, open) {
  const context = await open({ colorScheme: 'dark' });
  const page = await h.tab(context, 'ag_luis', '#/contacts/ct_0');
  await by(page, 'message').first().waitFor();
  await h.look(page, 'dark');
  await by(page, 'language-switch').click();
  await page.waitForSelector('[data-testid=nav-contacts] >> text=Contacts');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  assert.match(await text(page, 'permission-text'), /^May be called until .*, 3 of 5 calls left today$/);
  await page.reload();
  await page.waitForSelector('[data-testid=nav-contacts] >> text=Contacts');
  await h.look(page, 'dark-english');
}

export async function connection(h, open) {
  const page = await h.tab(await open(), 'ag_luis');
  await by(page, 'contact-row').first().waitFor();
  h.server.refuseSockets = true;
  h.server.breakConnections();
  await by(page, 'offline-banner').waitFor();
  await h.look(page, 'offline');
  h.server.refuseSockets = false;
  h.server.ring(['ag_luis'], h.server.contacts[0]); // while nobody is there: the snapshot brings the modal
  await page.waitForSelector('[data-testid=connection][data-phase=open]');
  await by(page, 'offer').waitFor();
  h.server.closeOffers('cancelled');
  await by(page, 'offer-modal').waitFor({ state: 'detached' });

  h.server.seqs.set('ag_luis', h.server.seqs.get('ag_luis') + 3); // events that never came: the gap brings a snapshot
  h.server.notice('ag_luis', { kind: 'call_missed', contact_id: 'ct_2', contact_name: 'Carla Dias' });
  await until(async () => (await text(page, 'notice-count')) === '1', 'the state after a gap');
}
