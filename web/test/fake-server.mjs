// A small engine for the console's own browser tests: it speaks docs/agent-protocol.md over one WebSocket path and the
// REST calls, serves the built page with the strict headers of the real gateway, and keeps one company in memory. Audio
// answers come from whoever is given as `answer` (a page of the same browser plays the media server).
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, resolve } from 'node:path';
import { WebSocketServer } from 'ws';

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const iso = (ms) => new Date(ms).toISOString();
const hour = 3_600_000;

export class FakeServer {
  constructor({ dist, answer, close, now = Date.now() }) {
    this.dist = dist;
    this.answer = answer; // async (sdp, call) => {sdp, slots, peer}
    this.closePeer = close; // async (peer)
    this.sessions = new Map(); // socket -> agent id
    this.seqs = new Map();
    this.nextId = 1;
    this.reset(now);
  }

  /** reset is a new day: nobody is connected, nothing has happened. */
  reset(now = Date.now()) {
    this.requests = []; // all requests, for assertions
    this.refusals = new Map(); // request type -> error
    this.peers = new Map(); // leg -> the peer that has its audio
    this.failMessages = ''; // why every request message fails after it was taken
    this.delays = new Map(); // request type -> ms
    this.restFailures = new Map(); // path prefix -> {status, code, detail}
    this.refuseSockets = false;
    this.offerMs = 90_000; // long: looking at a state takes its time on a busy machine
    this.seed(now);
  }

  seed(now) {
    this.people = new Map(
      [
        ['ag_luis', 'Luis Andrade', 'supervisor', 'available'],
        ['ag_fernando', 'Fernando Reis', 'agent', 'available'],
        ['ag_marta', 'Marta Nogueira', 'agent', 'break'],
        ['ag_bia', 'Beatriz Lima', 'agent', 'offline'],
      ].map(([id, name, role, presence]) => [id, { id, name, role, presence, since: iso(now - hour) }]),
    );
    this.lines = [{ id: 'ln_1', name: 'Farmácia Central', display_number: '+55 11 4000-1000', calling: true }];
    this.settings = {
      etag: '"1"',
      value: {
        calling: true,
        icon_visible: true,
        callback_permission: true,
        hours: {
          timezone: 'America/Sao_Paulo',
          weekly: ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'].flatMap((day) => [
            { day, open: '0800', close: '1200' },
            { day, open: '1300', close: '1800' },
          ]),
          holidays: [{ date: '2026-12-25' }],
        },
      },
    };
    const names = [
      'Ana Souza',
      'Bruno Carvalho',
      'Carla Dias',
      'Diego Matos',
      'Elisa Prado',
      'Fábio Nunes',
      'Gabriela Rocha',
    ];
    this.contacts = [];
    for (let i = 0; i < 130; i++) {
      const name = i < names.length ? names[i] : `Cliente ${String(i).padStart(3, '0')}`;
      this.contacts.push({
        id: `ct_${i}`,
        version: 1,
        name: i === 6 ? '' : name,
        phone: i === 5 ? undefined : `+55119${String(80000000 + i * 137)}`,
        status: ['Aguardando orçamento', 'Pedido pago', 'Em entrega'][i % 3],
        tags: i % 4 === 0 ? ['uso contínuo'] : undefined,
        order_no: i % 2 === 0 ? `PV-${20450 + i}` : undefined,
        quote_cents: i % 2 === 0 ? 8990 + i * 1310 : undefined,
        assigned_agent: i % 5 === 0 ? 'ag_luis' : undefined,
        assigned_name: i % 5 === 0 ? 'Luis Andrade' : undefined,
        last_activity_at: iso(now - i * 7 * 60_000),
      });
    }
    this.eligibility = new Map();
    this.messages = new Map();
    this.calls = [];
    this.call = null; // the call in progress
    this.offers = []; // {agent, offer}
    this.notices = new Map(); // agent -> notices
    const ana = this.contacts[0];
    this.messages.set('ct_0', this.conversation(ana, now));
    for (let i = 0; i < 60; i++) this.calls.push(this.pastCall(i, now));
  }

  conversation(contact, now) {
    const out = [];
    for (let i = 0; i < 70; i++) {
      out.push({
        message_id: `ms_${i}`,
        contact_id: contact.id,
        line_id: 'ln_1',
        direction: i % 3 === 0 ? 'out' : 'in',
        kind: 'text',
        text: i % 3 === 0 ? `Temos em estoque, sim. Mensagem ${i}.` : `Vocês têm losartana 50 mg? Mensagem ${i}.`,
        status: i % 3 === 0 ? 'read' : undefined,
        agent_name: i % 3 === 0 ? 'Luis Andrade' : undefined,
        at: iso(now - 3 * hour - i * 21 * 60_000),
      });
    }
    out.unshift(
      {
        ...out[0],
        message_id: 'ms_r',
        direction: 'in',
        kind: 'permission_reply',
        text: '',
        data: { response: 'accept' },
        at: iso(now - hour),
      },
      {
        ...out[0],
        message_id: 'ms_q',
        direction: 'out',
        kind: 'permission_request',
        text: 'Podemos ligar para confirmar a receita?',
        at: iso(now - 1.1 * hour),
      },
    );
    return out;
  }

  pastCall(i, now) {
    const contact = this.contacts[i % 9];
    const reason = ['completed', 'no_answer', 'abandoned', 'declined_by_customer', 'completed'][i % 5];
    const talked = reason === 'completed';
    const at = now - (i + 1) * 5.3 * hour;
    return {
      call_id: `cl_old${i}`,
      version: 9,
      direction: i % 2 ? 'inbound' : 'outbound',
      state: 'ended',
      contact,
      line: this.lines[0],
      participants: [
        {
          leg_id: `lg_c${i}`,
          kind: 'contact',
          name: contact.name,
          state: 'left',
          muted: false,
          joined_at: iso(at),
          left_at: iso(at + 200_000),
        },
        {
          leg_id: `lg_a${i}`,
          kind: 'agent',
          agent_id: 'ag_luis',
          name: 'Luis Andrade',
          state: 'left',
          muted: false,
          joined_at: talked ? iso(at + 5000) : undefined,
          left_at: iso(at + 200_000),
        },
      ],
      created_at: iso(at),
      answered_at: talked ? iso(at + 8000) : undefined,
      ended_at: iso(at + 200_000),
      talk_ms: talked ? 192_000 : 0,
      ended_by: talked ? 'customer' : 'system',
      end_reason: reason,
    };
  }

  // --- the server -----------------------------------------------------------------------------------------------

  async start() {
    this.http = createServer((req, res) => this.handle(req, res));
    this.ws = new WebSocketServer({ noServer: true, handleProtocols: () => 'ramal.v1' });
    this.http.on('upgrade', (req, socket, head) => {
      if (this.refuseSockets) {
        socket.destroy();
        return;
      }
      this.ws.handleUpgrade(req, socket, head, (client) => this.connected(client));
    });
    await new Promise((ready) => this.http.listen(0, '127.0.0.1', ready));
    this.url = `http://localhost:${this.http.address().port}`;
    return this;
  }

  async stop() {
    for (const socket of this.ws.clients) socket.terminate();
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }

  link(agent) {
    return `${this.url}/#token=${this.token(agent)}`;
  }

  token(agent) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'HS256' })}.${part({ sub: agent, tenant: 'tn_demo' })}.c2ln`;
  }

  agentOf(token) {
    try {
      return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).sub;
    } catch {
      return '';
    }
  }

  handle(req, res) {
    const url = new URL(req.url, this.url);
    if (!url.pathname.startsWith('/v1/')) return this.file(url.pathname, res);
    const agent = this.agentOf((req.headers.authorization ?? '').replace('Bearer ', ''));
    if (!this.people.has(agent)) return this.problem(res, 401, 'unauthorized');
    for (const [prefix, failure] of this.restFailures) {
      if (url.pathname.startsWith(prefix)) return this.problem(res, failure.status, failure.code, failure.detail);
    }
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => this.rest(req, res, url, agent, body));
  }

  file(path, res) {
    const name = path === '/' ? '/index.html' : path;
    try {
      const data = readFileSync(resolve(this.dist, `.${name}`));
      res.writeHead(200, {
        'Content-Type': types[extname(name)] ?? 'application/octet-stream',
        'Content-Security-Policy': csp,
      });
      res.end(data);
    } catch {
      res.writeHead(404).end();
    }
  }

  problem(res, status, code, detail = '') {
    res.writeHead(status, { 'Content-Type': 'application/problem+json' });
    res.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }));
  }

  json(res, value, headers = {}) {
    res.writeHead(200, { 'Content-Type': 'application/json', ...headers });
    res.end(JSON.stringify(value));
  }

  rest(req, res, url, agent, body) {
    const path = url.pathname.replace('/v1', '');
    const query = url.searchParams;
    if (path === '/agents')
      return this.json(res, {
        items: [...this.people.values()].map(({ id, name, presence }) => ({ id, name, presence })),
      });
    if (path === '/contacts') return this.json(res, page(this.findContacts(query), query));
    if (path === '/calls') return this.json(res, page(this.findCalls(query), query));
    const line = /^\/lines\/(\w+)\/settings$/.exec(path);
    if (line) return this.lineSettings(req, res, body);
    const call = /^\/calls\/(\w+)$/.exec(path);
    if (call) return this.oneCall(res, call[1]);
    const contact = /^\/contacts\/(\w+)(\/.*)?$/.exec(path);
    const known = this.contacts.find((item) => item.id === contact?.[1]);
    if (!known) return this.problem(res, 404, 'not_found');
    if (!contact[2]) return this.json(res, known);
    if (contact[2] === '/messages') return this.json(res, page(this.messages.get(known.id) ?? [], query));
    if (contact[2] === '/call-eligibility') return this.json(res, this.eligibilityOf(known.id));
    if (contact[2] === '/colleagues') return this.json(res, { items: this.colleagues(agent) });
    return this.problem(res, 404, 'not_found');
  }

  findContacts(query) {
    const text = (query.get('q') ?? '').toLowerCase();
    return this.contacts.filter(
      (item) =>
        (!text ||
          item.name.toLowerCase().includes(text) ||
          (item.phone ?? '').includes(text) ||
          (item.order_no ?? '').toLowerCase().startsWith(text)) &&
        (query.get('ongoing') !== 'true' || item.ongoing_call) &&
        (query.get('may_call') !== 'true' || this.eligibilityOf(item.id).can_call) &&
        (query.get('window_open') !== 'true' || this.eligibilityOf(item.id).window_until) &&
        (!query.get('status') || item.status === query.get('status')) &&
        (!query.get('agent') || item.assigned_agent === query.get('agent')),
    );
  }

  findCalls(query) {
    const all = this.call ? [this.call, ...this.calls] : this.calls;
    return all.filter(
      (item) =>
        (!query.get('contact') || item.contact.id === query.get('contact')) &&
        (!query.get('direction') || item.direction === query.get('direction')) &&
        (!query.get('end_reason') || item.end_reason === query.get('end_reason')) &&
        (!query.get('agent') || item.participants.some((person) => person.agent_id === query.get('agent'))) &&
        (query.get('ongoing') !== 'true' || item.state !== 'ended') &&
        (!query.get('from') || item.created_at >= query.get('from')) &&
        (!query.get('to') || item.created_at < query.get('to')),
    );
  }

  lineSettings(req, res, body) {
    if (req.method === 'PUT') {
      if (req.headers['if-match'] !== this.settings.etag) return this.problem(res, 412, 'etag_mismatch');
      this.settings = { etag: `"${this.nextId++}x"`, value: { ...JSON.parse(body), pending: true } };
    }
    return this.json(res, this.settings.value, { ETag: this.settings.etag });
  }

  oneCall(res, id) {
    const call = this.call?.call_id === id ? this.call : this.calls.find((item) => item.call_id === id);
    if (!call) return this.problem(res, 404, 'not_found');
    const at = call.created_at;
    const leg = call.participants[1]?.leg_id;
    const events = [
      { seq: 1, type: 'Created', at, data: { direction: call.direction } },
      { seq: 2, type: 'Rang', at, data: { at } },
      {
        seq: 3,
        type: 'OfferMade',
        at,
        data: { offer: { id: 'of_1', agent: 'ag_luis', name: 'Luis Andrade', kind: 'inbound', reason: 'order_owner' } },
      },
      { seq: 4, type: 'OfferClosed', at, data: { offer: 'of_1', reason: 'accepted' } },
      { seq: 5, type: 'Joined', at, data: { leg, agent: 'ag_luis', name: 'Luis Andrade' } },
      { seq: 6, type: 'PickedUp', at, data: { source: 'accept' } },
      {
        seq: 7,
        type: 'Finished',
        at: call.ended_at ?? at,
        data: { by: 'customer', reason: call.end_reason ?? 'completed' },
      },
      { seq: 8, type: 'FromTheFuture', at: call.ended_at ?? at, data: {} },
    ];
    return this.json(res, { ...call, events });
  }

  eligibilityOf(contact) {
    const set = this.eligibility.get(contact);
    if (set) return set;
    const number = Number(contact.replace('ct_', ''));
    const base = {
      contact_id: contact,
      line_id: 'ln_1',
      unanswered_streak: 0,
      limits: [
        { name: 'calls_connected', period: 'PT24H', max: 5, used: 2 },
        { name: 'permission_requests_day', period: 'PT24H', max: 1, used: 0 },
      ],
    };
    if (number % 3 === 0) {
      return {
        ...base,
        permission: 'granted_temporary',
        permission_source: 'user_action',
        permission_until: iso(Date.now() + 70 * hour),
        can_call: true,
        can_request: true,
        window_until: iso(Date.now() + 20 * hour),
      };
    }
    if (number % 3 === 1) {
      return {
        ...base,
        permission: 'none',
        can_call: false,
        can_request: true,
        call_reasons: [{ code: 'permission_missing' }],
      };
    }
    const reasons = [{ code: 'request_limit_day', next_allowed_at: iso(Date.now() + 5 * hour) }];
    return {
      ...base,
      permission: 'declined',
      unanswered_streak: 3,
      can_call: false,
      can_request: false,
      call_reasons: [{ code: 'permission_missing' }],
      request_reasons: reasons,
    };
  }

  colleagues(agent) {
    return [...this.people.values()]
      .filter((person) => person.id !== agent)
      .map(({ id, name, presence }) => ({
        id,
        name,
        presence,
        involved: id === 'ag_fernando' ? 'recent_call' : undefined,
        involved_at: id === 'ag_fernando' ? iso(Date.now() - 26 * hour) : undefined,
        in_call: this.call?.participants.some((leg) => leg.agent_id === id && leg.state !== 'left'),
      }));
  }

  // --- sessions -------------------------------------------------------------------------------------------------

  connected(socket) {
    socket.on('message', (text) => this.message(socket, JSON.parse(text)));
    socket.on('close', () => this.sessions.delete(socket));
  }

  async message(socket, frame) {
    const reply = (body) => socket.send(JSON.stringify({ re: frame.id, ...body }));
    if (frame.type === 'hello') {
      const agent = this.agentOf(frame.data.token);
      if (!this.people.has(agent)) return socket.close(4001);
      this.sessions.set(socket, agent);
      return reply({
        ok: true,
        data: {
          session_id: 'ses_1',
          heartbeat_ms: 15000,
          server_time: iso(Date.now()),
          snapshot: this.snapshot(agent),
        },
      });
    }
    const agent = this.sessions.get(socket);
    if (frame.type === 'ping') return reply({ ok: true, data: { server_time: iso(Date.now()) } });
    if (frame.type === 'snapshot.get') return reply({ ok: true, data: { snapshot: this.snapshot(agent) } });
    this.requests.push({ agent, type: frame.type, data: frame.data });
    const wait = this.delays.get(frame.type);
    if (wait) await new Promise((done) => setTimeout(done, wait));
    const refusal = this.refusals.get(frame.type);
    if (refusal) return reply({ ok: false, error: refusal });
    try {
      reply({ ok: true, data: await this.perform(agent, frame.type, frame.data) });
    } catch (err) {
      reply({ ok: false, error: { kind: 'conflict', code: err.message } });
    }
  }

  snapshot(agent) {
    const person = this.people.get(agent);
    const mine = this.call?.participants.some(
      (leg) => leg.agent_id === agent && !['left', 'invited'].includes(leg.state),
    );
    return {
      seq: this.seqs.get(agent) ?? 0,
      agent: { ...person, call_id: mine ? this.call.call_id : undefined },
      offers: this.offers.filter((entry) => entry.agent === agent).map((entry) => entry.offer),
      call: mine ? this.viewFor(agent) : undefined,
      notices: this.notices.get(agent) ?? [],
      lines: this.lines,
    };
  }

  viewFor(agent) {
    const leg = this.call.participants.findLast((person) => person.agent_id === agent);
    return { ...this.call, my_leg_id: leg?.leg_id, gains: this.call.gainsOf?.[agent] ?? {}, gainsOf: undefined };
  }

  push(agent, type, data) {
    const seq = (this.seqs.get(agent) ?? 0) + 1;
    this.seqs.set(agent, seq);
    const text = JSON.stringify({ seq, type, at: iso(Date.now()), data });
    for (const [socket, owner] of this.sessions) if (owner === agent) socket.send(text);
  }

  hint(type, data) {
    const text = JSON.stringify({ type, at: iso(Date.now()), data });
    for (const socket of this.sessions.keys()) socket.send(text);
  }

  breakConnections() {
    for (const socket of this.sessions.keys()) socket.terminate();
  }

  // --- what happens ---------------------------------------------------------------------------------------------

  changed() {
    const call = this.call;
    call.version++;
    for (const agent of new Set(call.participants.map((person) => person.agent_id).filter(Boolean))) {
      if (call.participants.some((person) => person.agent_id === agent && person.state !== 'invited'))
        this.push(agent, 'call.updated', this.viewFor(agent));
    }
    this.hint('call.changed', { ...call, gainsOf: undefined });
  }

  setPresence(agent, presence, code) {
    const person = Object.assign(this.people.get(agent), { presence, break_code: code, since: iso(Date.now()) });
    this.push(agent, 'agent.updated', person);
    this.hint('presence.changed', { id: person.id, name: person.name, presence });
  }

  newCall(contact, direction, state) {
    this.call = {
      call_id: `cl_${this.nextId++}`,
      version: 1,
      direction,
      state,
      contact,
      line: this.lines[0],
      participants: [
        { leg_id: `lg_${this.nextId++}`, kind: 'contact', name: contact.name, state: 'connecting', muted: false },
      ],
      created_at: iso(Date.now()),
      talk_ms: 0,
      gainsOf: {},
    };
    return this.call;
  }

  join(agent) {
    const old = this.call.participants.find((person) => person.agent_id === agent && person.state === 'invited');
    const leg = old ?? {
      leg_id: `lg_${this.nextId++}`,
      kind: 'agent',
      agent_id: agent,
      name: this.people.get(agent).name,
      muted: false,
    };
    if (!old) this.call.participants.push(leg);
    Object.assign(leg, { state: 'connected', joined_at: iso(Date.now()) });
    return leg;
  }

  async media(agent, sdp) {
    const others = this.call.participants.filter(
      (person) => person.agent_id !== agent && ['connected', 'connecting'].includes(person.state),
    );
    const answer = await this.answer(
      sdp,
      others.map((person) => person.leg_id),
    );
    const leg = this.call.participants.findLast((person) => person.agent_id === agent);
    const before = this.peers.get(leg.leg_id);
    this.peers.set(leg.leg_id, answer.peer);
    if (before !== undefined) await this.closePeer(before);
    return { call_id: this.call.call_id, leg_id: leg.leg_id, sdp: answer.sdp, slots: answer.slots };
  }

  ring(agents, contact, extra = {}) {
    const call = this.newCall(contact, 'inbound', 'offering');
    const now = Date.now();
    for (const agent of agents) {
      const offer = {
        offer_id: `of_${this.nextId++}`,
        call_id: call.call_id,
        kind: 'inbound',
        reason: 'order_owner',
        reason_info: contact.order_no,
        contact,
        line: this.lines[0],
        created_at: iso(now),
        expires_at: iso(now + this.offerMs),
        ...extra,
      };
      this.offers.push({ agent, offer });
      this.push(agent, 'offer.created', offer);
    }
  }

  closeOffers(reason, winner) {
    for (const { agent, offer } of this.offers) {
      this.push(agent, 'offer.closed', {
        offer_id: offer.offer_id,
        call_id: offer.call_id,
        reason: agent === winner ? 'accepted' : reason,
        by: winner,
      });
    }
    this.offers = [];
  }

  answered() {
    this.call.state = 'active';
    this.call.answered_at = iso(Date.now());
    this.call.participants[0].state = 'connected';
    this.call.participants[0].joined_at = iso(Date.now());
    this.call.ring_deadline = undefined;
    this.changed();
  }

  end(by, reason) {
    const call = this.call;
    Object.assign(call, { state: 'ended', ended_by: by, end_reason: reason, ended_at: iso(Date.now()) });
    if (call.answered_at) call.talk_ms = Date.now() - Date.parse(call.answered_at);
    this.changed();
    const contact = this.contacts.find((item) => item.id === call.contact.id);
    Object.assign(contact, { ongoing_call: undefined, version: contact.version + 1 });
    this.hint('contact.changed', contact);
    this.calls.unshift({ ...call, gainsOf: undefined });
    this.call = null;
  }

  notice(agent, notice) {
    const full = { notice_id: `nt_${this.nextId++}`, at: iso(Date.now()), ...notice };
    this.notices.set(agent, [full, ...(this.notices.get(agent) ?? [])]);
    this.push(agent, 'notice.created', full);
  }

  addMessage(contact, message) {
    const full = {
      message_id: `ms_n${this.nextId++}`,
      contact_id: contact,
      line_id: 'ln_1',
      kind: 'text',
      at: iso(Date.now()),
      ...message,
    };
    this.messages.set(contact, [full, ...(this.messages.get(contact) ?? [])]);
    this.hint('message.changed', full);
    return { message_id: full.message_id, via: 'interactive' };
  }

  /** outcome is what became of a message, told before the answer to its request. */
  outcome(contact, id) {
    const message = this.messages.get(contact).find((known) => known.message_id === id);
    if (this.failMessages) Object.assign(message, { status: 'failed', error: this.failMessages });
    else message.status = 'sent';
    this.hint('message.changed', message);
  }

  async perform(agent, type, data) {
    const contact = this.contacts.find((item) => item.id === data.contact_id);
    switch (type) {
      case 'agent.set_presence':
        return this.setPresence(agent, data.presence, data.break_code);
      case 'call.dial': {
        const call = this.newCall(contact, 'outbound', 'dialing');
        this.join(agent);
        const answer = await this.media(agent, data.sdp);
        Object.assign(contact, { ongoing_call: call.call_id, version: contact.version + 1 });
        call.ring_deadline = iso(Date.now() + 30_000);
        this.changed();
        this.hint('contact.changed', contact);
        return answer;
      }
      case 'offer.accept': {
        const entry = this.offers.find((known) => known.offer.offer_id === data.offer_id);
        if (!entry) throw new Error('offer_closed');
        this.join(agent);
        const answer = await this.media(agent, data.sdp);
        this.closeOffers('accepted_elsewhere', agent);
        if (this.call.answered_at) this.changed();
        else this.answered();
        return answer;
      }
      case 'offer.decline':
        this.offers = this.offers.filter((entry) => entry.offer.offer_id !== data.offer_id);
        return this.push(agent, 'offer.closed', { offer_id: data.offer_id, call_id: data.call_id, reason: 'declined' });
      case 'call.attach': {
        if (!this.call) throw new Error('not_in_call');
        const leg = this.call.participants.findLast((person) => person.agent_id === agent);
        leg.state = 'reconnecting';
        this.changed();
        const answer = await this.media(agent, data.sdp);
        leg.state = 'connected';
        this.changed();
        return answer;
      }
      case 'call.invite': {
        const person = this.people.get(data.agent_id);
        const leg = {
          leg_id: `lg_${this.nextId++}`,
          kind: 'agent',
          agent_id: person.id,
          name: person.name,
          state: 'invited',
          muted: false,
        };
        this.call.participants.push(leg);
        const now = Date.now();
        const offer = {
          offer_id: `of_${this.nextId++}`,
          call_id: this.call.call_id,
          kind: 'invite',
          reason: 'invited',
          invited_by: this.people.get(agent),
          note: data.note,
          contact: this.call.contact,
          line: this.lines[0],
          created_at: iso(now),
          expires_at: iso(now + this.offerMs),
        };
        this.offers.push({ agent: person.id, offer });
        this.push(person.id, 'offer.created', offer);
        this.changed();
        return { offer_id: offer.offer_id, leg_id: leg.leg_id };
      }
      case 'call.cancel_invite':
        this.call.participants = this.call.participants.filter(
          (leg) => !(leg.agent_id === data.agent_id && leg.state === 'invited'),
        );
        this.closeOffers('cancelled');
        return this.changed();
      case 'call.leave': {
        const leg = this.call.participants.findLast((person) => person.agent_id === agent);
        Object.assign(leg, { state: 'left', left_at: iso(Date.now()) });
        return this.changed();
      }
      case 'call.end':
        return this.end('agent', this.call.answered_at ? 'completed' : 'cancelled');
      case 'call.mute':
        this.call.participants.findLast((person) => person.agent_id === agent).muted = data.muted;
        return this.changed();
      case 'call.volume':
        this.call.gainsOf[agent] = { ...this.call.gainsOf[agent], [data.leg_id]: data.gain };
        return this.changed();
      case 'permission.request': {
        const via = this.eligibilityOf(contact.id).window_until ? 'interactive' : 'template';
        this.eligibility.set(contact.id, {
          ...this.eligibilityOf(contact.id),
          permission: 'requested',
          can_request: false,
          request_reasons: [{ code: 'request_limit_day', next_allowed_at: iso(Date.now() + 24 * hour) }],
        });
        const { message_id } = this.addMessage(contact.id, {
          direction: 'out',
          kind: 'permission_request',
          text: data.text,
          status: 'pending',
          agent_name: this.people.get(agent).name,
        });
        this.outcome(contact.id, message_id);
        return { message_id, via };
      }
      case 'message.send':
        return this.addMessage(contact.id, {
          direction: 'out',
          text: data.text,
          status: 'sent',
          agent_name: this.people.get(agent).name,
        });
      case 'message.call_button':
        return this.addMessage(contact.id, {
          direction: 'out',
          kind: 'call_button',
          text: data.text,
          status: 'sent',
          agent_name: this.people.get(agent).name,
        });
      case 'notice.ack':
        this.notices.set(
          agent,
          (this.notices.get(agent) ?? []).filter((notice) => !data.notice_ids.includes(notice.notice_id)),
        );
        return this.push(agent, 'notice.acked', data);
      default:
        throw new Error('unknown_type');
    }
  }
}

function page(items, query) {
  const limit = Number(query.get('limit') ?? 50);
  const from = Number(query.get('cursor') ?? 0);
  const next = from + limit < items.length ? String(from + limit) : undefined;
  return { items: items.slice(from, from + limit), next_cursor: next };
}
