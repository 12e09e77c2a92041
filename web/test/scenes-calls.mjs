// Scenes with a call. The audio is real: a tone for each participant, measured at the agent's ear, and the agent's
// (fake) microphone, measured at the media server.
import assert from 'node:assert/strict';
import { by, until } from './harness.mjs';

const text = (page, id) => by(page, id).first().innerText();
const level = (page, hz) => page.evaluate((f) => window.levelAt(f), hz);
const toneOf = (h, leg) => h.media.evaluate((id) => window.toneOf(id), leg);
const micHeard = (h) => h.media.evaluate(() => window.heard());

const hears = (page, hz) => until(async () => (await level(page, hz)) > 0.02, `hears ${hz} Hz`);
const hearsNot = (page, hz) => until(async () => (await level(page, hz)) < 0.002, `no longer hears ${hz} Hz`);

async function dialled(h, open, contact = 'ct_0') {
  const context = await open();
  const page = await h.tab(context, 'ag_luis', `#/contacts/${contact}`);
  await by(page, 'permission-text').waitFor();
  await by(page, 'call-button').click();
  await page.waitForSelector('[data-testid=call-card][data-state=dialing]');
  h.server.call.state = 'ringing';
  h.server.changed();
  await page.waitForSelector('[data-testid=call-card][data-state=ringing]');
  return { context, page };
}

async function talking(h, open) {
  const both = await dialled(h, open);
  h.server.answered();
  await by(both.page, 'call-timer').waitFor();
  const contactLeg = h.server.call.participants[0].leg_id;
  const tone = await toneOf(h, contactLeg);
  await hears(both.page, tone);
  return { ...both, contactLeg, tone };
}

export async function dialAndTalk(h, open) {
  const { page } = await dialled(h, open);
  await page.waitForSelector('[data-testid=participant][data-kind=contact] >> text=Chamando…');
  assert.match(await text(page, 'call-reasons'), /em ligação com este contato/);
  await h.look(page, 'call-ringing');
  h.server.answered();
  await by(page, 'call-timer').waitFor();
  const leg = h.server.call.participants[0].leg_id;
  const tone = await toneOf(h, leg);
  await hears(page, tone);
  await page.waitForSelector(`[data-leg-id=${leg}][data-speaking=true]`);
  await h.look(page, 'call-active');

  const normal = await level(page, tone);
  const slider = page.locator(`[data-leg-id=${leg}] [data-testid=participant-volume]`);
  await slider.fill('200');
  await until(async () => (await level(page, tone)) > normal * 1.6, 'twice as loud');
  await until(() => h.server.call.gainsOf.ag_luis?.[leg] === 2, 'the server knows the volume');
  await page.locator(`[data-leg-id=${leg}] [data-testid=participant-silence]`).click();
  await hearsNot(page, tone);
  assert.equal(await slider.inputValue(), '0');
  await page.locator(`[data-leg-id=${leg}] [data-testid=participant-silence]`).click();
  await hears(page, tone);
  assert.equal(await slider.inputValue(), '200');

  assert.ok((await micHeard(h)) > 0.05, 'the microphone is sent');
  await by(page, 'call-mute').click();
  await until(() => h.server.call.participants.at(-1).muted, 'the server knows the mute');
  await until(async () => (await micHeard(h)) < 0.001, 'silence while muted');
  await by(page, 'call-mute').click();
  await until(async () => (await micHeard(h)) > 0.05, 'the microphone again');

  await by(page, 'devices-open').click();
  await by(page, 'device-microphone').first().waitFor();
  await h.look(page, 'call-devices');
  await by(page, 'nav-history').click();
  await by(page, 'call-card').waitFor();
  h.server.end('customer', 'completed');
  await by(page, 'call-ended').waitFor();
  assert.equal(await text(page, 'call-ended'), 'Ligação encerrada pelo contato');
  await h.look(page, 'call-ended');
  await hearsNot(page, tone);
  await by(page, 'call-card').waitFor({ state: 'detached' });
}

export async function refusedDial(h, open) {
  const page = await h.tab(await open(), 'ag_luis', '#/contacts/ct_0');
  h.server.refusals.set('call.dial', {
    kind: 'exhausted',
    code: 'daily_limit',
    next_allowed_at: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await by(page, 'call-button').click();
  await page.waitForSelector('[data-testid=toast-error] >> text=limite de ligações');
  h.server.refusals.set('call.dial', { kind: 'conflict', code: 'some_new_code', detail: 'words of the provider' });
  await by(page, 'call-button').click();
  await page.waitForSelector('[data-testid=toast-error] >> text=words of the provider');
  await h.look(page, 'dial-refused');
  assert.equal(await by(page, 'call-card').count(), 0);
}

export async function inviteAndLeave(h, open) {
  const { page, tone } = await talking(h, open);
  const other = await h.tab(await open(), 'ag_fernando');
  await by(page, 'invite-open').click();
  await page.waitForSelector('[data-testid=invite-entry][data-agent-id=ag_fernando] >> text=falou com o contato');
  await h.look(page, 'invite-panel');
  await by(page, 'invite-note').fill('Dúvida sobre a receita');
  await page.locator('[data-agent-id=ag_fernando] [data-testid=invite-send]').click();
  await by(other, 'offer').waitFor();
  assert.equal(await text(other, 'offer-note'), 'Dúvida sobre a receita');
  assert.equal(await text(other, 'offer-why'), 'Luis Andrade convidou você para esta ligação.');
  await h.look(other, 'invite-modal');
  await by(page, 'invite-cancel').click();
  await by(other, 'offer-modal').waitFor({ state: 'detached' });

  await page.locator('[data-agent-id=ag_fernando] [data-testid=invite-send]').click();
  await by(other, 'offer-accept').click();
  await by(other, 'call-timer').waitFor();
  await hears(other, tone);
  await by(page, 'invite-panel').waitFor({ state: 'detached' });
  const fernando = h.server.call.participants.at(-1).leg_id;
  // the server puts him into a free track of Luis
  await h.media.evaluate(([leg]) => window.play(window.peerCount() - 2, 1, leg), [fernando]);
  h.server.push('ag_luis', 'call.slots', {
    call_id: h.server.call.call_id,
    slots: [
      { mid: '0', leg_id: h.server.call.participants[0].leg_id },
      { mid: '1', leg_id: fernando },
    ],
  });
  const second = await toneOf(h, fernando);
  await hears(page, second);
  await hears(page, tone);
  await h.look(page, 'call-of-three');

  await by(page, 'call-leave').click();
  await page.waitForSelector('[data-testid=call-ended] >> text=Você saiu');
  await hearsNot(page, tone);
  await hears(other, tone);
  await by(other, 'call-end').click();
  await other.waitForSelector('[data-testid=call-card][data-state=ended]');
}

export async function endForAll(h, open) {
  const { page } = await talking(h, open);
  h.server.join('ag_fernando');
  h.server.changed();
  await by(page, 'call-end').click();
  await by(page, 'call-end-confirm').waitFor();
  await h.look(page, 'call-end-confirm');
  await by(page, 'call-end-cancel').click();
  assert.ok(h.server.call);
  await by(page, 'call-end').click();
  await by(page, 'call-end-confirm').click();
  await page.waitForSelector('[data-testid=call-card][data-state=ended]');
  assert.equal(h.server.call, null);
}

export async function reloadAndOtherTab(h, open) {
  const { context, page, tone, contactLeg } = await talking(h, open);
  await page.locator(`[data-leg-id=${contactLeg}] [data-testid=participant-volume]`).fill('50');
  await until(() => h.server.call.gainsOf.ag_luis?.[contactLeg] === 0.5, 'the server knows the volume');
  await by(page, 'call-mute').click();
  await until(() => h.server.call.participants.at(-1).muted, 'the server knows the mute');
  await page.reload();
  await page.waitForSelector('[data-testid=call-card][data-audio=connected]');
  await page.mouse.click(300, 30); // the gesture that some browsers want
  await hears(page, tone);
  assert.equal(await by(page, 'participant-volume').first().inputValue(), '50');
  assert.equal(await text(page, 'call-mute'), 'Ativar microfone');

  const second = await h.tab(context, 'ag_luis');
  await by(second, 'audio-elsewhere').waitFor();
  assert.equal(await text(second, 'call-mute'), 'Ativar microfone', 'the mute of the agent, not of the tab');
  await by(second, 'participant-muted').waitFor();
  await h.look(second, 'audio-elsewhere');
  assert.equal(await level(second, tone), 0);
  await by(second, 'audio-here').click();
  await second.waitForSelector('[data-testid=call-card][data-audio=connected]');
  await hears(second, tone);
  await by(page, 'audio-elsewhere').waitFor();
  await hearsNot(page, tone);

  // the tab with the audio goes away: the server misses us, and the other tab takes over by itself
  await second.close();
  h.server.call.participants.at(-1).state = 'reconnecting';
  h.server.changed();
  await page.waitForSelector('[data-testid=call-card][data-audio=connected]');
  await hears(page, tone);
}

/** Two devices of one agent know of each other only through the server: the one that loses the audio does not fight. */
export async function otherDevice(h, open) {
  const { page, tone } = await talking(h, open);
  const device = await h.tab(await open(), 'ag_luis');
  await by(device, 'audio-here').click();
  await hears(device, tone);
  await by(page, 'audio-elsewhere').waitFor();
  await hearsNot(page, tone);
  await page.waitForTimeout(8_000); // longer than any repair waits
  const attached = h.server.requests.filter((request) => request.type === 'call.attach');
  assert.equal(attached.length, 1, 'nobody took it back');
  await hears(device, tone);
}

/** When the tab with the audio goes away and others stay, each of them offers to bring it, and none takes it unasked. */
export async function orphanedAudio(h, open) {
  const { context, page, tone } = await talking(h, open);
  const second = await h.tab(context, 'ag_luis');
  const third = await h.tab(context, 'ag_luis');
  await by(third, 'audio-elsewhere').waitFor();
  await page.close();
  h.server.call.participants.at(-1).state = 'reconnecting';
  h.server.changed();
  await second.waitForSelector('[data-testid=audio-elsewhere] >> text=estava em outra aba');
  await h.look(second, 'audio-orphaned');
  await second.waitForTimeout(5_000);
  assert.equal(h.server.requests.filter((request) => request.type === 'call.attach').length, 0);
  await third.close(); // the only one left takes it
  await hears(second, tone);
}

export async function brokenAudio(h, open) {
  const { page, tone } = await talking(h, open);
  await h.media.evaluate(() => window.closePeer(-1));
  await until(
    async () => (await by(page, 'call-card').getAttribute('data-audio')) !== 'connected',
    'the break is seen',
  );
  h.server.call.participants.at(-1).state = 'reconnecting';
  h.server.changed();
  await until(() => h.server.requests.some((request) => request.type === 'call.attach'), 'attached again');
  await hears(page, tone);
}

export async function hangUpOffline(h, open) {
  const { page, tone } = await talking(h, open);
  h.server.refuseSockets = true;
  h.server.breakConnections();
  await until(async () => (await by(page, 'connection').getAttribute('data-phase')) !== 'open', 'offline');
  await by(page, 'call-end').click();
  await hearsNot(page, tone);
  h.server.refuseSockets = false;
  await until(() => h.server.call === null, 'the hang-up is sent after the break');
}

export async function incoming(h, open) {
  const context = await open();
  const page = await h.tab(context, 'ag_luis', '#/contacts/ct_2');
  const second = await h.tab(context, 'ag_luis');
  await page.bringToFront();
  await by(page, 'message-input').waitFor();
  await by(page, 'contact-search').click();
  await second.locator('body').click({ position: { x: 400, y: 20 } });
  await page.bringToFront();
  await by(page, 'contact-search').click();
  h.server.ring(['ag_luis', 'ag_fernando'], h.server.contacts[0]);
  await by(page, 'offer').waitFor();
  await by(second, 'offer').waitFor();
  assert.equal(await text(page, 'offer-why'), 'Por que você: é responsável pelo pedido PV-20450.');
  await until(async () => /está chamando/.test(await page.title()), 'the title says so');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'alertdialog');
  await h.look(page, 'incoming');

  // one tab rings, in both the modal is there
  const ringsNow = async (tab) => Math.max(...(await Promise.all([660, 880, 990].map((hz) => level(tab, hz)))));
  const loudest = { page: 0, second: 0 };
  await until(async () => {
    loudest.page = Math.max(loudest.page, await ringsNow(page));
    loudest.second = Math.max(loudest.second, await ringsNow(second));
    return loudest.page > 0.01 || loudest.second > 0.01;
  }, 'it rings');
  for (let i = 0; i < 25; i++) {
    loudest.page = Math.max(loudest.page, await ringsNow(page));
    loudest.second = Math.max(loudest.second, await ringsNow(second));
    await page.waitForTimeout(60);
  }
  assert.equal(loudest.page > 0.01 && loudest.second > 0.01, false, 'only one tab rings');

  // the focus is on the dialog, stays in it, and Escape declines nothing
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'alertdialog');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'offer-decline');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'offer-decline');
  assert.equal(h.server.offers.length, 2);
  await by(page, 'offer-accept').click();
  await by(second, 'offer-modal').waitFor({ state: 'detached' });
  await by(page, 'call-timer').waitFor();
  await by(second, 'audio-elsewhere').waitFor();
  const tone = await toneOf(h, h.server.call.participants[0].leg_id);
  await hears(page, tone);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'contact-search');
}

export async function offersStack(h, open) {
  const page = await h.tab(await open(), 'ag_luis');
  await by(page, 'contact-row').first().waitFor();
  h.server.ring(['ag_luis'], h.server.contacts[0]);
  h.server.ring(['ag_luis'], h.server.contacts[6], { reason: 'anyone', reason_info: undefined });
  await until(async () => (await by(page, 'offer').count()) === 2, 'two modals');
  await h.look(page, 'offers-stack');
  await page.locator('[data-testid=offer] [data-testid=offer-decline]').first().click();
  await until(async () => (await by(page, 'offer').count()) === 1, 'one is declined');
  h.server.refusals.set('offer.accept', { kind: 'conflict', code: 'offer_closed' });
  await by(page, 'offer-accept').click();
  await page.waitForSelector('[data-testid=toast-error] >> text=colega atendeu antes');
  h.server.closeOffers('accepted_elsewhere');
  await by(page, 'offer-modal').waitFor({ state: 'detached' });

  // the server's deadline ends the ringing even if nothing more is heard from it
  h.server.ring(['ag_luis'], h.server.contacts[1], { expires_at: new Date(Date.now() + 1500).toISOString() });
  await by(page, 'offer').waitFor();
  await by(page, 'offer-modal').waitFor({ state: 'detached' });
}

export async function noMicrophone(h, open) {
  const context = await open();
  await context.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  const page = await h.tab(context, 'ag_luis', '#/contacts/ct_0');
  await by(page, 'call-button').click();
  await by(page, 'microphone-problem').waitFor();
  assert.match(await text(page, 'microphone-problem'), /não é ouvido.*cadeado/);
  h.server.answered();
  await hears(page, await toneOf(h, h.server.call.participants[0].leg_id));
  await h.look(page, 'no-microphone');
}
