// The phone against the real simulator: node test/simulator.mjs http://127.0.0.1:8081. A small business is played here: its
// webhooks by a server of this process, its voice by a page of Chromium. Each conversation goes from the phone's screen
// through the simulator to the business and back, and the sound is measured at both ends.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { launch } from './chromium.mjs';
import { answerOffer, hangUp, hears, levels, makeOffer, takeAnswer } from './peer.mjs';

const sim = process.argv[2]?.replace(/\/$/, '');
if (!sim) throw new Error('say where the simulator is: node test/simulator.mjs http://127.0.0.1:8081');
const shots = process.env['SHOTS'] ?? '';
if (shots) mkdirSync(shots, { recursive: true });

const stamp = String(Date.now()).slice(-8);
const pnid = `7${stamp}`;
const user = `55119${stamp}`;

const until = async (check, what) => {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
};

async function post(path, body, method = 'POST') {
  const response = await fetch(sim + path, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer token-${pnid}` },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : {};
}
const graph = (path, body) => post(`/v25.0/${pnid}/${path}`, { messaging_product: 'whatsapp', ...body });
const say = (body) => graph('messages', { recipient_type: 'individual', to: user, ...body });

// The business's webhooks, as a list of the changes that came.
const hooks = [];
const server = createServer((request, response) => {
  let raw = '';
  request.on('data', (part) => {
    raw += part;
  });
  request.on('end', () => {
    const envelope = raw ? JSON.parse(raw) : {};
    for (const entry of envelope.entry ?? []) for (const change of entry.changes) hooks.push(change.value);
    response.end();
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));

const callHook = (event, id) =>
  until(
    () => hooks.flatMap((value) => value.calls ?? []).find((call) => call.event === event && (!id || call.id === id)),
    `webhook ${event}`,
  );
const newCall = async (known) => {
  const calls = () => hooks.flatMap((value) => value.calls ?? []);
  return until(() => calls().find((call) => call.event === 'connect' && !known.has(call.id)), 'webhook connect');
};
const message = (match, what) => until(() => hooks.flatMap((value) => value.messages ?? []).find(match), what);

await post('/control/businesses', {
  pnid,
  display_phone_number: `5511${stamp}`,
  name: 'Farmácia Boa Saúde',
  callback_url: `http://127.0.0.1:${server.address().port}/`,
  calling: { status: 'ENABLED', callback_permission_status: 'ENABLED' },
});
await post('/control/users', { wa_id: user, name: 'Ana Souza' });

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 400, height: 800 }, locale: 'pt-BR' });
const page = await context.newPage();
page.on('pageerror', (err) => {
  console.error('page error:', err);
  process.exitCode = 1;
});
const business = await (await browser.newContext()).newPage();
await business.goto(`${sim}/phone/favicon.svg`);
const by = (id) => page.locator(`[data-testid="${id}"]`);
const screen = (marks) => page.waitForSelector(`[data-testid=call-screen]${marks}`, { timeout: 10_000 });
const known = new Set();
let shot = 0;
async function done(name) {
  shot += 1;
  if (shots) await page.screenshot({ path: resolve(shots, `sim-${String(shot).padStart(2, '0')}-${name}.png`) });
  console.log(`ok ${name}`);
}

async function bothHear(what) {
  await until(async () => (await hears(page)) > 0.01, `${what}: the customer hears the business`);
  await until(async () => (await levels()) > 0.001, `${what}: the business hears the customer`);
}

async function chat() {
  await page.goto(`${sim}/phone/${user}#/chat/${pnid}`);
  await page.waitForSelector('[data-testid=phone][data-connection=open]');
  await by('composer').fill('Oi, posso ligar?');
  await by('send').click();
  await message((entry) => entry.text?.body === 'Oi, posso ligar?', 'the text of the customer');
  await say({ type: 'text', text: { body: 'Claro!' } });
  await page.waitForSelector('[data-testid=message][data-from=business] >> text=Claro!');
  await done('chat');
}

async function permission() {
  const body = { text: 'Podemos ligar sobre o pedido?' };
  await say({
    type: 'interactive',
    interactive: { type: 'call_permission_request', action: { name: 'call_permission_request' }, body },
  });
  await by('answer-accept_temporary').click();
  await message((entry) => entry.interactive?.call_permission_reply?.response === 'accept', 'the reply to the request');
  await page.waitForSelector('[data-testid=permission-bar][data-status=temporary]');
  await done('permission');
}

async function businessCalls() {
  const offer = await makeOffer(business);
  const answer = await graph('calls', { to: user, action: 'connect', session: { sdp_type: 'offer', sdp: offer } });
  const id = answer.calls[0].id;
  const connect = await callHook('connect', id);
  known.add(id);
  await takeAnswer(business, connect.session.sdp);
  await screen('[data-phase=ringing][data-direction=incoming]');
  await done('business-rings');
  await by('call-accept').click();
  await screen('[data-phase=connected][data-audio=open][data-microphone=on]');
  await bothHear('business calls');
  await by('call-mute').click();
  await page.waitForSelector('[data-testid=call-mute][aria-pressed=true]');
  await until(async () => (await levels()) < 0.001, 'mute is silence at the business');
  await by('call-mute').click();
  await until(async () => (await levels()) > 0.001, 'sound again at the business');
  await page.reload();
  await screen('[data-phase=connected][data-audio=open]');
  await bothHear('after a reload');
  await done('business-talk');
  await by('call-hangup').click();
  await callHook('terminate', id);
  await screen('[data-phase=ended][data-outcome=completed]');
  await by('call-close').click();
  await page.waitForSelector('[data-testid=call-line][data-direction=incoming][data-outcome=completed]');
  await done('business-call-over');
}

async function answerAs(connect) {
  known.add(connect.id);
  const sdp = await answerOffer(business, connect.session.sdp);
  const session = { sdp_type: 'answer', sdp };
  await graph('calls', { call_id: connect.id, action: 'pre_accept', session });
  await graph('calls', { call_id: connect.id, action: 'accept', session });
}

async function customerCalls() {
  await by('call-icon').click();
  await screen('[data-phase=ringing][data-direction=outgoing]');
  await done('customer-rings');
  const connect = await newCall(known);
  await answerAs(connect);
  await screen('[data-phase=connected][data-audio=open]');
  await bothHear('customer calls');
  await by('call-keypad').click();
  const sent = page.waitForResponse((response) => response.url().endsWith('/dtmf'));
  await by('key-7').click();
  assert.equal((await sent).status(), 204);
  await done('customer-talk');
  await graph('calls', { call_id: connect.id, action: 'terminate' });
  await screen('[data-phase=ended][data-outcome=completed]');
  await by('call-close').click();
  await hangUp();
}

async function buttonAndReject() {
  await say({
    type: 'interactive',
    interactive: {
      type: 'voice_call',
      body: { text: 'Fale com a farmácia' },
      action: {
        name: 'voice_call',
        parameters: { display_text: 'Ligar agora', ttl_minutes: 10, payload: 'pedido-991' },
      },
    },
  });
  await page.waitForSelector('[data-testid=voice-call][data-expired=false]');
  await done('call-button');
  await by('voice-call').click();
  const connect = await newCall(known);
  known.add(connect.id);
  assert.equal(connect.cta_payload, 'pedido-991');
  await graph('calls', { call_id: connect.id, action: 'reject' });
  await screen('[data-phase=ended][data-outcome=declined]');
  await done('rejected');
  await by('call-close').click();
}

async function settings() {
  await post(`/v25.0/${pnid}/settings`, { calling: { status: 'ENABLED', call_icon_visibility: 'DISABLE_ALL' } });
  await by('call-icon').waitFor({ state: 'detached' });
  await by('open-profile').click();
  await done('hidden-icon');
  await by('profile-back').click();
  const closed = {
    status: 'ENABLED',
    timezone_id: 'America/Sao_Paulo',
    weekly_operating_hours: [{ day_of_week: otherDay(), open_time: '0900', close_time: '1000' }],
  };
  await post(`/v25.0/${pnid}/settings`, {
    calling: { status: 'ENABLED', call_icon_visibility: 'DEFAULT', call_hours: closed },
  });
  await page.waitForSelector('[data-testid=chat-line][data-open=false]');
  await by('call-icon').click();
  await by('closed-sheet').waitFor();
  await done('closed-hours');
  await by('closed-write').click();
  await by('permission-revoke').click();
  await by('permission-bar').waitFor({ state: 'detached' });
  await page.waitForSelector('[data-testid=system-line][data-code=permission_revoked]');
  await done('revoked');
}

// otherDay is a day of the week that is neither today nor next to it anywhere on earth.
function otherDay() {
  const days = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];
  return days[(new Date().getUTCDay() + 3) % 7];
}

try {
  await chat();
  await permission();
  await businessCalls();
  await customerCalls();
  await buttonAndReject();
  await settings();
  console.log(`phone and simulator: ${shot} steps`);
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
