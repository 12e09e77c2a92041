// The agent's console as a test sees it: by its marks (web/TESTIDS.md), never by its words.
import assert from 'node:assert/strict';
import { until } from './until.mjs';

export class Console {
  constructor(world, agent, page) {
    Object.assign(this, { world, agent, page });
  }

  by(testid, marks = '') {
    return this.page.locator(`[data-testid="${testid}"]${marks}`);
  }

  async online() {
    await this.by('connection', '[data-phase=open]').waitFor();
  }

  /** reset brings a console back to its first screen, as if just opened. */
  async reset() {
    await this.page.evaluate(() => {
      localStorage.clear();
      location.hash = '#/contacts';
    });
    await this.page.reload();
    await this.online();
    await this.by('presence-state', '[data-presence=available]').waitFor();
  }

  /** show goes to a place of the console: contacts, contacts/ct_1, history, settings ... */
  async show(place) {
    await this.page.evaluate((hash) => {
      location.hash = hash;
    }, `#/${place}`);
  }

  /** openContact opens the conversation with a customer. */
  async openContact(customer) {
    const id = await this.world.contactId(customer);
    await this.show(`contacts/${id}`);
    await this.by('conversation', `[data-contact-id="${id}"]`).waitFor();
    await this.by('eligibility', '[data-permission]').waitFor();
    return id;
  }

  offer(marks = '') {
    return this.by('offer', marks);
  }

  card(marks = '') {
    return this.by('call-card', marks);
  }

  /** talking waits until this tab is in the call with its audio. */
  async talking() {
    await this.card('[data-state=active][data-audio=connected]').waitFor();
    return this.card().getAttribute('data-call-id');
  }

  async accept() {
    await this.by('offer-accept').click();
    return this.talking();
  }

  /** person is somebody in the call: a name, in the list of the call card. */
  person(name) {
    return this.by('participant').filter({ hasText: name });
  }

  /** volume sets how loud this agent hears somebody, in percent. */
  async volume(name, percent) {
    await this.person(name).getByTestId('participant-volume').fill(String(percent));
  }

  /** invite asks a colleague into the call. */
  async invite(colleague, note = '') {
    await this.by('invite-open').click();
    const entry = this.by('invite-entry', `[data-agent-id=${colleague}]`);
    await entry.waitFor();
    if (note) await this.by('invite-note').fill(note);
    await entry.getByTestId('invite-send').click();
  }

  /** told waits for a notice over the present screen. */
  async told(kind, name) {
    const toast = this.by('toast-notice', `[data-kind=${kind}]`).filter({ hasText: name });
    await toast.first().waitFor();
    return toast.first();
  }

  /** ended waits for the card of the ended call and answers its words. */
  async ended() {
    await this.card('[data-state=ended]').waitFor();
    return this.by('call-ended').textContent();
  }

  /** seconds is what the call's timer shows. */
  async seconds() {
    const parts = (await this.by('call-timer').textContent()).split(':').map(Number);
    assert.ok(parts.length >= 2 && parts.every(Number.isFinite), `timer shows ${parts}`);
    return parts.reduce((sum, part) => sum * 60 + part, 0);
  }

  hear(tones, ms) {
    return this.page.evaluate(([list, time]) => globalThis.ear.hear(list, time), [tones, ms]);
  }

  /** gain waits until the voice with this tone is played as loud as wanted, relative to how it comes in. */
  async gain(hz, wanted, tolerance = 0.12) {
    await until(
      async () => {
        const is = await this.page.evaluate(([tone]) => globalThis.ear.gain(tone, 700), [hz]);
        if (Number.isFinite(is) && Math.abs(is - wanted) <= tolerance * Math.max(wanted, 0.2)) return true;
        throw new Error(`gain is ${is}`);
      },
      `${this.agent} hears ${hz} Hz at ${wanted * 100} %`,
    );
  }
}

/** Phone is the customer's phone page (web/phone/TESTIDS.md). */
export class Phone {
  constructor(world, customer, page) {
    Object.assign(this, { world, customer, page });
  }

  by(testid, marks = '') {
    return this.page.locator(`[data-testid="${testid}"]${marks}`);
  }

  call(marks) {
    return this.by('call-screen', marks);
  }

  async rings() {
    await this.call('[data-phase=ringing][data-direction=incoming]').waitFor();
  }

  async talking() {
    await this.call('[data-phase=connected][data-audio=open][data-microphone=on]').waitFor();
  }

  hear(tones, ms) {
    return this.page.evaluate(([list, time]) => globalThis.ear.hear(list, time), [tones, ms]);
  }
}
