// The world of one run: a `ramal dev`, the browsers of the participants, and the pages that are open. Luis and Fernando stay
// at their consoles for the whole run, as people do; everything else belongs to one test and goes with it.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Browsers } from './browsers.mjs';
import { Console, Phone } from './console.mjs';
import { installEar } from './ear.mjs';
import { startEngine } from './engine.mjs';
import { Sim } from './sim.mjs';
import { until } from './until.mjs';

const desk = { width: 1280, height: 800 };
const packages = createRequire(import.meta.resolve('@axe-core/playwright'));
const axeSource = readFileSync(packages.resolve('axe-core/axe.min.js'), 'utf8');
const out = join(import.meta.dirname, '../out');
export const line = '106540352242922'; // phone-number id of the demo's line

export class World {
  static async start() {
    const world = new World();
    world.browsers = new Browsers();
    try {
      world.engine = await startEngine();
      world.sim = new Sim(world.engine.simUrl);
    } catch (err) {
      await world.browsers.close();
      throw err;
    }
    return world;
  }

  constructor() {
    this.staying = new Map(); // agent -> Console
    this.contexts = new Set(); // of the present test
    this.tabs = new Set(); // further tabs of the present test, in contexts that stay
    this.pages = new Map(); // page -> name, for pictures of a failure
    this.problems = []; // what pages threw and axe found: the scenario goes on, and fails at its end
    this.people = 0;
  }

  async stop() {
    await this.browsers.close();
    await this.engine.stop();
  }

  async context(who, { stay = false, refuse = false, ...options } = {}) {
    const browser = await this.browsers.of(who, refuse);
    const context = await browser.newContext({
      viewport: desk,
      locale: 'pt-BR',
      timezoneId: 'America/Sao_Paulo',
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(12_000);
    if (!refuse) await context.grantPermissions(['microphone', 'notifications']);
    await context.addInitScript(installEar);
    if (!stay) this.contexts.add(context);
    return context;
  }

  async page(context, name) {
    const page = await context.newPage();
    this.pages.set(page, name);
    page.on('close', () => this.pages.delete(page));
    page.on('pageerror', (err) => this.problems.push(`${name}: ${err.message}`));
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.problems.push(`${name}: ${message.text()}`);
    });
    return page;
  }

  /** agent is the console where this agent stays for the whole run. */
  async agent(who) {
    if (!this.staying.has(who)) this.staying.set(who, await this.visit(who, { stay: true }));
    return this.staying.get(who);
  }

  /** visit is a console of its own for one test: another device, another size, another role. */
  async visit(who, options = {}) {
    const voice = options.voice ?? (who === 'camila' || who === 'admin' ? 'beatriz' : who);
    const { voice: _, url, ...rest } = options;
    return this.tab(who, await this.context(voice, rest), url);
  }

  /** secondTab opens the console once more in the same browser. */
  async secondTab(console_) {
    const tab = await this.tab(console_.agent, console_.page.context());
    this.tabs.add(tab.page);
    return tab;
  }

  /** tab opens the console of an agent in a browser context. */
  async tab(who, context, url = this.engine.url) {
    const console_ = new Console(this, who, await this.page(context, who));
    await console_.page.goto(this.engine.link(who).replace(this.engine.url, url));
    await console_.online();
    return console_;
  }

  /** customer makes somebody new, who has written to the pharmacy: a contact with an open service window. */
  async customer(name) {
    this.people += 1;
    const user = `55119${String(70_000_000 + this.people)}`;
    await this.sim.addUser({ wa_id: user, name });
    await this.sim.act(user, 'text', { text: 'Olá!', pnid: line });
    const customer = { user, name };
    await this.contactId(customer);
    return customer;
  }

  /** contactId finds a customer among the contacts of the engine. */
  async contactId(customer) {
    return until(async () => {
      const { items } = await this.engine.get(`/v1/contacts?q=${encodeURIComponent(customer.user)}`);
      return items[0]?.id;
    }, `${customer.name} is a contact`);
  }

  /** mayCall gives the permission in the business's profile, and waits until the engine knows. */
  async mayCall(customer) {
    await this.sim.act(customer.user, 'permission', { action: 'grant_temporary', pnid: line });
    const id = await this.contactId(customer);
    await until(async () => {
      const { items } = await this.engine.get('/v1/lines');
      const found = await this.engine.get(`/v1/contacts/${id}/call-eligibility?line_id=${items[0].id}`);
      return found.can_call;
    }, `${customer.name} may be called`);
  }

  /** phone opens the customer's phone page. */
  async phone(customer, options = {}) {
    const context = await this.context('customer', { viewport: { width: 400, height: 800 }, ...options });
    const page = await this.page(context, `phone of ${customer.name}`);
    await page.goto(`${this.engine.simUrl}/phone/${customer.user}#/chat/${line}`);
    const phone = new Phone(this, customer, page);
    await phone.by('phone', '[data-connection=open]').waitFor();
    return phone;
  }

  /** ear is what reaches the customer's phone, measured by the simulator. */
  ear(customer) {
    return { hear: (tones, ms) => this.sim.hear(customer.user, tones, ms) };
  }

  /** look is what every main state of a page must stand: no violation found by axe, and no sideways scrolling. */
  async look(page, name) {
    if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    for (const { id, nodes } of violations) {
      const where = nodes.map((node) => `${node.target} (${node.failureSummary.replaceAll(/\s+/g, ' ')})`);
      this.problems.push(`axe, ${name}: ${id}: ${where.join(' | ')}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) this.problems.push(`${name} is ${wide} px wider than its window`);
  }

  async picture(name) {
    mkdirSync(out, { recursive: true });
    const file = name.replaceAll(/[^\p{L}\d]+/gu, '-');
    for (const [page, who] of this.pages) {
      const path = join(out, `${file}--${who.replaceAll(/[^\p{L}\d]+/gu, '-')}.png`);
      await page.screenshot({ path }).catch(() => undefined);
    }
    return out;
  }

  /** shoot keeps a picture of a state, to be looked at by people. */
  async shoot(page, name) {
    mkdirSync(out, { recursive: true });
    await page.screenshot({ path: join(out, `${name}.png`) });
  }

  /** tidy closes what belonged to the test, ends its calls and puts the staying consoles back to their first screen. */
  async tidy() {
    for (const page of this.tabs) await page.close();
    this.tabs.clear();
    for (const context of this.contexts) await context.close();
    this.contexts.clear();
    for (const call of await this.sim.liveCalls()) await this.sim.act(call.user, 'hangup').catch(() => undefined);
    await until(async () => (await this.engine.get('/v1/calls?ongoing=true')).items.length === 0, 'all calls ended');
    await Promise.all([...this.staying.values()].map((console_) => console_.reset()));
    const problems = this.problems.splice(0);
    assert.equal(problems.length, 0, problems.join('\n'));
  }
}
