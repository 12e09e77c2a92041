// One `ramal dev` on free ports with a fresh data folder: started, watched and stopped by its process id.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const startWithin = 120_000; // the first start of a machine fetches PostgreSQL
const stopWithin = 15_000;

async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise((ready, fail) => {
        server.on('error', fail);
        server.listen(0, '127.0.0.1', () => ready(server));
      });
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

/** startEngine resolves when the links are printed. stop() ends the process and removes its data. */
export async function startEngine() {
  const binary = resolve(process.env['RAMAL_BIN'] ?? join(import.meta.dirname, '../../../bin/ramal'));
  if (!existsSync(binary)) throw new Error(`${binary} is missing: build it, or name it with RAMAL_BIN`);
  const data = mkdtempSync(join(tmpdir(), 'ramal-e2e-'));
  chmodSync(data, 0o755); // the database may run as another user
  const [port, simPort] = await freePorts(2);
  const child = spawn(
    binary,
    ['dev', '--data', join(data, 'ramal'), '--listen', `127.0.0.1:${port}`, '--sim-listen', `127.0.0.1:${simPort}`],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const engine = new Engine(child, data, `http://127.0.0.1:${port}`, `http://127.0.0.1:${simPort}`);
  try {
    await engine.ready();
  } catch (err) {
    await engine.stop();
    throw err;
  }
  return engine;
}

class Engine {
  constructor(child, data, url, simUrl) {
    Object.assign(this, { child, data, url, simUrl });
    this.out = '';
    this.log = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      this.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.log += text;
    });
    process.once('exit', () => child.kill('SIGINT')); // however the run ends
    this.ended = new Promise((end) => {
      child.on('error', (err) => end(`not started: ${err.message}`));
      child.on('exit', (code, signal) => end(`ended with ${signal ?? code}`));
    });
  }

  async ready() {
    const links = new Promise((ready) => {
      const look = () => {
        if (!this.out.includes('/phone/')) return;
        this.child.stdout.off('data', look);
        ready();
      };
      this.child.stdout.on('data', look);
    });
    const late = new Promise((_, fail) => {
      setTimeout(() => fail(new Error('ramal dev did not print its links in time')), startWithin).unref();
    });
    const dead = this.ended.then((how) => Promise.reject(new Error(`ramal dev ${how}\n${this.out}${this.log}`)));
    dead.catch(() => undefined);
    await Promise.race([links, late, dead]);
  }

  /** link is the address that ramal dev prints for an agent's console. */
  link(agent) {
    for (const [, link, token] of this.out.matchAll(/(http\S+#token=(\S+))/g)) {
      if (JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub === agent) return link;
    }
    return `${this.url}/#token=${this.token(agent)}`;
  }

  /** token signs for any agent of the demo's pharmacy, as `ramal token` does. */
  token(agent, role = 'agent') {
    const key = readFileSync(join(this.data, 'ramal/token-secret'), 'utf8').trim();
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: 'ramal', aud: ['ramal'], sub: agent, tenant: 'sao-joao', role, iat: now, exp: now + 3600 };
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
  }

  /** get reads a REST list or record as an agent. */
  async get(path, agent = 'luis') {
    const response = await fetch(this.url + path, { headers: { Authorization: `Bearer ${this.token(agent)}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGINT');
      const hard = setTimeout(() => this.child.kill('SIGKILL'), stopWithin);
      await this.ended;
      clearTimeout(hard);
    }
    rmSync(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
