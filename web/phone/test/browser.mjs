// Walks through the phone in Chromium against the fake server: every main state is looked at by axe, at 400 px and on a
// desk, in both themes; the audio goes through a real peer connection and is measured at both ends. `npm run build`
// first. Screenshots go to the folder of SHOTS, if set.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { launch } from './chromium.mjs';
import { at, minute, startFake } from './fake-server.mjs';
import { answerOffer, hears, levels } from './peer.mjs';
import { sample } from './sample.mjs';

const dist = resolve(import.meta.dirname, '../../../sim/phone/dist');
if (!existsSync(resolve(dist, 'index.html'))) throw new Error('the page is not built: npm run build');
const shots = process.env['SHOTS'] ?? '';
if (shots) mkdirSync(shots, { recursive: true });

const browser = await launch();
const fake = await startFake(dist, sample());
const phoneUrl = `${fake.url}/phone/${fake.state.user.key}`;
let steps = 0;

async function open(options = {}, prepare = async () => {}) {
  const context = await browser.newContext({
    viewport: { width: 400, height: 800 },
    locale: 'pt-BR',
    timezoneId: 'America/Sao_Paulo',
    ...options,
  });
  await prepare(context);
  const page = await context.newPage();
  page.on('pageerror', (err) => {
    console.error('page error:', err);
    process.exitCode = 1;
  });
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) {
      console.error('policy:', message.text());
      process.exitCode = 1;
    }
  });
  await page.goto(phoneUrl);
  await page.waitForSelector('[data-testid=phone][data-connection=open]');
  return page;
}

const by = (page, id) => page.locator(`[data-testid="${id}"]`);

async function look(page, name) {
  steps += 1;
  if (shots) await page.screenshot({ path: resolve(shots, `${String(steps).padStart(2, '0')}-${name}.png`) });
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
  assert.deepEqual(found, [], `axe at ${name}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, `${name} scrolls sideways`);
  console.log(`ok ${name}`);
}

const asked = (suffix) => fake.requests.filter((request) => request.path.endsWith(suffix));
const until = async (check, what) => {
  const deadline = Date.now() + 8_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
};
const ringIn = (id) =>
  fake.change((s) => {
    s.calls = [
      {
        id,
        pnid: s.chats[0].pnid,
        name: s.chats[0].name,
        direction: 'incoming',
        phase: 'ringing',
        started_at: at(),
        muted: false,
        audio: 'none',
        business_audio: false,
      },
    ];
  });
const edit = (change) => fake.change((s) => Object.assign(s.calls[0], change));
const phase = (page, name) => page.waitForSelector(`[data-testid=call-screen][data-phase=${name}]`);

async function chatScreens(page) {
  await look(page, 'chat');
  await until(() => asked('/read').length > 0, 'the open chat is read');
  await by(page, 'messages').evaluate((log) => log.scrollTo(0, 0));
  await look(page, 'chat-top');
  await by(page, 'composer').fill('Bom dia!\nVocês têm entrega?');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid=message][data-from=user] >> text=Vocês têm entrega?');
  assert.equal(await by(page, 'composer').inputValue(), '');
  await by(page, 'answer-accept_temporary').first().click();
  await page.waitForSelector('[data-testid=permission-bar][data-status=temporary]');
  await look(page, 'permission-given');
  await by(page, 'permission-revoke').click();
  await page.waitForSelector('[data-testid=permission-bar]', { state: 'detached' });
  await by(page, 'list-open').click();
  await look(page, 'list-sheet');
  await page.keyboard.press('Escape');
  await page.waitForSelector('[data-testid=list-sheet]', { state: 'detached' });
  await by(page, 'open-profile').click();
  await look(page, 'profile');
  await by(page, 'language').selectOption('en');
  await page.waitForSelector('text=About the business');
  await look(page, 'profile-en');
  await by(page, 'language').selectOption('pt-BR');
  await by(page, 'profile-back').click();
}

async function incoming(page) {
  await by(page, 'composer').focus();
  ringIn('wacid.in/1+=');
  await phase(page, 'ringing');
  await look(page, 'incoming');
  assert.match(await page.title(), /^Ligação de/);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter'); // the focus is on the name: neither key answers or refuses
  assert.equal(asked('/accept').length + asked('/decline').length, 0);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'call-decline');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await phase(page, 'connected');
  await page.waitForSelector('[data-testid=call-screen][data-audio=open][data-microphone=on]');
  await until(async () => (await hears(page)) > 0.01, 'the tone of the business at the ear of the page');
  await until(async () => (await levels()) > 0.001, 'the microphone of the page at the business');
  await look(page, 'connected');
  await by(page, 'call-mute').click();
  await page.waitForSelector('[data-testid=call-mute][aria-pressed=true]');
  await by(page, 'call-keypad').click();
  await by(page, 'key-5').click();
  await page.keyboard.press('#');
  await until(() => asked('/dtmf').length === 2, 'both keys are sent');
  assert.deepEqual(
    asked('/dtmf').map((request) => request.body.digits),
    ['5', '#'],
  );
  await look(page, 'keypad');
  await by(page, 'call-keypad').click();
  await by(page, 'call-minimize').click();
  await by(page, 'call-return').waitFor();
  await look(page, 'minimized');
  const offers = asked('/audio').length;
  await page.reload();
  await page.waitForSelector('[data-testid=call-screen][data-audio=open]');
  assert.equal(asked('/audio').length, offers + 1, 'a reloaded page takes its call again, once');
  await by(page, 'call-hangup').click();
  await phase(page, 'ended');
  await look(page, 'ended');
  await page.waitForSelector('[data-testid=call-screen]', { state: 'detached', timeout: 10_000 });
}

async function outgoing(page) {
  await by(page, 'call-icon').click();
  await phase(page, 'ringing');
  await look(page, 'outgoing');
  edit({ phase: 'ended', outcome: 'no_answer', ended_at: at() });
  await page.waitForSelector('[data-testid=call-screen][data-outcome=no_answer]');
  await by(page, 'call-close').click();
  await by(page, 'voice-call').first().click();
  await phase(page, 'ringing');
  await by(page, 'call-hangup').click();
  await page.waitForSelector('[data-testid=call-screen][data-outcome=cancelled]');
  await by(page, 'call-close').click();
  fake.refuse.set('calls', { code: 'busy' });
  await by(page, 'call-icon').click();
  await page.waitForSelector('[data-testid=notice][data-code=busy]');
  await look(page, 'notice');
  fake.refuse.clear();
}

async function lineSettings(page) {
  fake.change((s) => Object.assign(s.chats[0].access, { open: false, next_open: at(16 * 60 * minute) }));
  await page.waitForSelector('[data-testid=chat-line][data-open=false]');
  await by(page, 'call-icon').click();
  await look(page, 'closed');
  await by(page, 'closed-write').click();
  await page.waitForFunction(() => document.activeElement?.id === 'composer');
  fake.change((s) => {
    s.chats[0].access = { icon: false, reason: 'hidden', open: true };
  });
  await page.waitForSelector('[data-testid=call-icon]', { state: 'detached' });
  fake.change((s) => {
    s.chats[0].access = { icon: true, open: true, timezone: 'America/Sao_Paulo' };
  });
}

async function lostLine(page) {
  fake.down = true;
  fake.dropStreams();
  await page.waitForSelector('[data-testid=phone][data-connection=lost]');
  await look(page, 'lost');
  fake.down = false;
  await page.waitForSelector('[data-testid=phone][data-connection=open]', { timeout: 10_000 });
}

async function secondTab(page) {
  ringIn('wacid.in/2+=');
  await by(page, 'call-accept').click();
  await page.waitForSelector('[data-testid=call-screen][data-audio=open]');
  const other = await page.context().newPage();
  await other.goto(phoneUrl);
  await by(other, 'audio-here').click();
  await other.waitForSelector('[data-testid=call-screen][data-audio=open]');
  await page.waitForSelector('[data-testid=call-screen][data-audio=elsewhere]');
  await look(page, 'elsewhere');
  await other.close();
  edit({ phase: 'ended', outcome: 'completed', ended_at: at() });
  await by(page, 'call-close').click();
}

async function withoutMicrophone() {
  const refused = (context) =>
    context.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('refused', 'NotAllowedError');
      };
    });
  const page = await open({}, refused);
  ringIn('wacid.in/3+=');
  await by(page, 'call-accept').click();
  await page.waitForSelector('[data-testid=call-screen][data-audio=open][data-microphone=denied]');
  await until(async () => (await hears(page)) > 0.01, 'the business is heard without a microphone');
  await look(page, 'no-microphone');
  await by(page, 'call-hangup').click();
  await phase(page, 'ended');
  await page.context().close();
}

async function blockedSound() {
  const page = await open({}, (context) =>
    context.addInitScript(() => {
      // as a browser does before any gesture: contexts do not start, elements do not play
      let allowed = false;
      addEventListener('click', () => {
        allowed = true;
      });
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () {
        if (!allowed || !globalThis.soundAllowed) return Promise.reject(new DOMException('blocked', 'NotAllowedError'));
        return play.call(this);
      };
      Object.defineProperty(AudioContext.prototype, 'state', {
        get: () => (globalThis.soundAllowed ? 'running' : 'suspended'),
      });
    }),
  );
  ringIn('wacid.in/4+=');
  await by(page, 'ring-unblock').waitFor();
  await look(page, 'ring-blocked');
  await by(page, 'call-accept').click();
  await by(page, 'audio-unblock').waitFor();
  await look(page, 'audio-blocked');
  await page.evaluate(() => {
    globalThis.soundAllowed = true;
  });
  await by(page, 'audio-unblock').click();
  await by(page, 'audio-unblock').waitFor({ state: 'detached' });
  await by(page, 'call-hangup').click();
  await page.context().close();
}

async function otherPages() {
  fake.state = { ...sample(), calls: [] };
  const desk = await open({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
  await look(desk, 'desk-dark');
  await by(desk, 'open-profile').click();
  await look(desk, 'profile-dark');
  ringIn('wacid.in/5+=');
  await phase(desk, 'ringing');
  await look(desk, 'desk-incoming');
  edit({ phase: 'ended', outcome: 'cancelled', ended_at: at() });
  await desk.goto(`${fake.url}/phone/`);
  await by(desk, 'start-user').waitFor();
  await look(desk, 'start');
  await desk.goto(`${fake.url}/phone/999`);
  await by(desk, 'unknown-user').waitFor();
  await look(desk, 'unknown');
  const second = structuredClone(fake.state.chats[0]);
  fake.change((s) => s.chats.push({ ...second, pnid: '2', name: 'Clínica Sol', messages: [], unread: 3 }));
  await desk.goto(phoneUrl);
  await by(desk, 'chat-row').nth(1).waitFor();
  await look(desk, 'list');
  await desk.context().close();
  const small = await open({ viewport: { width: 320, height: 560 }, colorScheme: 'dark' });
  await by(small, 'chat-row').first().click();
  await by(small, 'call-icon').click();
  await phase(small, 'ringing');
  edit({ phase: 'connected', connected_at: at(-65_000), business_audio: true });
  await phase(small, 'connected');
  await by(small, 'call-keypad').click();
  await look(small, 'small-keypad');
  await small.context().close();
}

try {
  const business = await (await browser.newContext()).newPage();
  await business.goto(`${fake.url}/phone/favicon.svg`);
  fake.onOffer = (_, sdp) => answerOffer(business, sdp);
  const page = await open();
  await chatScreens(page);
  await incoming(page);
  await outgoing(page);
  await lineSettings(page);
  await lostLine(page);
  await secondTab(page);
  await page.context().close();
  await withoutMicrophone();
  await blockedSound();
  await otherPages();
  console.log(`phone: ${steps} states looked at`);
} finally {
  await browser.close();
  await fake.close();
}
