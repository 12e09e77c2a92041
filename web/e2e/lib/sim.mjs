// The simulator's control API: what a customer does and hears, whether or not a browser shows their phone.

export class Sim {
  constructor(url) {
    this.url = url;
  }

  async ask(method, path, body) {
    const response = await fetch(`${this.url}/control/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  get(path) {
    return this.ask('GET', path);
  }

  /** act is something that a customer does: call, accept, hangup, text, permission, voice ... */
  act(user, action, body = {}) {
    return this.ask('POST', `users/${encodeURIComponent(user)}/${action}`, body);
  }

  addUser(user) {
    return this.ask('POST', 'users', user);
  }

  setUser(user, change) {
    return this.ask('PATCH', `users/${encodeURIComponent(user)}`, change);
  }

  async liveCalls(user = '') {
    const found = await this.get(`calls?live=1${user ? `&user=${encodeURIComponent(user)}` : ''}`);
    return found.calls ?? found;
  }

  /** hear is the strength of each tone, in dBFS, in what the customer's phone got in the last ms. */
  async hear(user, tones, ms = 1200) {
    const { tones_db } = await this.get(`users/${encodeURIComponent(user)}/levels?hz=${tones.join(',')}&ms=${ms}`);
    return Object.fromEntries(tones.map((hz) => [hz, tones_db[hz]]));
  }
}
