// A small server that speaks sim/PHONE-API.md well enough for the browser test: it serves the built page, keeps one
// state that the test changes at will, does the simplest actions, and hands audio offers to the test. It is no model of
// the service's rules; the simulator is.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const policy =
  "default-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

export const minute = 60_000;
export const at = (offsetMs = 0) => new Date(Date.now() + offsetMs).toISOString();

/** startFake listens on a free loopback port; the caller closes it. */
export async function startFake(dist, state) {
  const fake = {
    state,
    requests: [], // {path, body} of every action
    refuse: new Map(), // action path (after the key) -> problem to answer with
    onOffer: undefined, // async (call, sdp) => answer sdp
    url: '',
    change,
    dropStreams,
    down: false,
    close,
  };
  const streams = new Set();
  let serial = 0;
  const nextId = (kind) => `${kind}.${++serial}/+=`;

  function send() {
    fake.state.now = at();
    for (const stream of streams) stream.write(`event: state\ndata: ${JSON.stringify(fake.state)}\n\n`);
  }
  function change(edit) {
    edit(fake.state);
    send();
  }
  function dropStreams() {
    for (const stream of streams) stream.destroy();
    streams.clear();
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://x');
    if (url.pathname.startsWith('/phone/')) return file(url.pathname, response);
    if (fake.down) return request.destroy();
    if (url.pathname === '/phone-api/users') return json(response, 200, { users: [fake.state.user] });
    const [, , key, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    if (key !== fake.state.user.key) return problem(response, 404, 'no_user');
    if (rest[0] === 'state') return json(response, 200, { ...fake.state, now: at() });
    if (rest[0] === 'events') return events(request, response);
    const body = JSON.parse((await text(request)) || '{}');
    const path = `/${rest.join('/')}`;
    fake.requests.push({ path, body });
    const refused = fake.refuse.get(rest[rest.length - 1]);
    if (refused)
      return json(response, 409, { type: 'about:blank', status: 409, ...refused }, 'application/problem+json');
    return act(rest, body, response);
  });

  function events(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    streams.add(response);
    request.on('close', () => streams.delete(response));
    response.write(': hello\n\n');
    response.write(`event: state\ndata: ${JSON.stringify({ ...fake.state, now: at() })}\n\n`);
  }

  function file(path, response) {
    let target = join(dist, normalize(path.slice('/phone'.length)));
    if (!target.startsWith(dist) || !existsSync(target) || statSync(target).isDirectory())
      target = join(dist, 'index.html');
    response.writeHead(200, {
      'Content-Type': types[extname(target)] ?? 'text/plain',
      'Content-Security-Policy': policy,
    });
    response.end(readFileSync(target));
  }

  async function act(rest, body, response) {
    const chat = (pnid) => fake.state.chats.find((entry) => entry.pnid === pnid);
    const find = (id) => fake.state.chats.flatMap((entry) => entry.messages).find((message) => message.id === id);
    const call = (id) => fake.state.calls.find((entry) => entry.id === id);
    const place = (pnid) => {
      const id = nextId('wacid');
      change((s) => {
        const { name } = chat(pnid);
        s.calls = [
          {
            id,
            pnid,
            name,
            direction: 'outgoing',
            phase: 'ringing',
            started_at: at(),
            muted: false,
            audio: 'none',
            business_audio: false,
          },
        ];
      });
      return json(response, 200, { call_id: id });
    };
    const done = (edit) => {
      change(edit);
      response.writeHead(204).end();
    };
    const [area, id, verb] = rest;
    if (area === 'messages' && !id) {
      const message = {
        id: nextId('wamid'),
        at: at(),
        from: 'user',
        kind: 'text',
        text: body.text,
        status: 'delivered',
      };
      change(() => chat(body.pnid).messages.push(message));
      return json(response, 200, { id: message.id });
    }
    if (area === 'messages' && verb === 'answer') {
      return done((s) => {
        find(id).answer = body.answer;
        const accepted = { accept_temporary: 'temporary', accept_permanent: 'permanent' }[body.answer];
        const permission = { status: accepted ?? 'no_permission' };
        if (accepted === 'temporary') permission.expires_at = at(7 * 24 * 60 * minute);
        s.chats[0].permission = permission;
        s.chats[0].messages.push({
          id: nextId('wamid'),
          at: at(),
          from: 'user',
          kind: 'permission_reply',
          answer: body.answer,
          reply_to: id,
          status: 'read',
        });
      });
    }
    if (area === 'messages' && verb === 'press') {
      change((s) => {
        find(id).pressed = body.id;
        s.chats[0].messages.push({
          id: nextId('wamid'),
          at: at(),
          from: 'user',
          kind: 'reply',
          text: body.id,
          reply_to: id,
          status: 'read',
        });
      });
      return json(response, 200, { id: nextId('wamid') });
    }
    if (area === 'messages' && verb === 'call') return place(fake.state.chats[0].pnid);
    if (area === 'read')
      return done(() => {
        chat(body.pnid).unread = 0;
      });
    if (area === 'permission') {
      return done(() => {
        chat(body.pnid).permission = {
          status: body.action === 'revoke' ? 'no_permission' : body.action.replace('grant_', ''),
        };
        if (body.action === 'grant_temporary') chat(body.pnid).permission.expires_at = at(7 * 24 * 60 * minute);
      });
    }
    if (area === 'calls' && !id) return place(body.pnid);
    if (!call(id)) return problem(response, 404, 'no_call');
    if (verb === 'accept') {
      return done(() => Object.assign(call(id), { phase: 'connected', connected_at: at(), business_audio: true }));
    }
    if (verb === 'decline' || verb === 'hangup') {
      const outcome = call(id).connected_at
        ? 'completed'
        : call(id).direction === 'incoming'
          ? 'declined'
          : 'cancelled';
      return done(() => Object.assign(call(id), { phase: 'ended', ended_at: at(), outcome }));
    }
    if (verb === 'mute')
      return done(() => {
        call(id).muted = body.muted;
      });
    if (verb === 'dtmf') return response.writeHead(204).end();
    if (verb === 'audio') {
      if (!fake.onOffer) return problem(response, 409, 'audio_unavailable');
      const sdp = await fake.onOffer(id, body.sdp);
      change(() => {
        if (call(id)) call(id).audio = 'bridged';
      });
      return json(response, 200, { sdp });
    }
    return problem(response, 400, 'bad_value');
  }

  async function close() {
    dropStreams();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${server.address().port}`;
  return fake;
}

function json(response, status, body, type = 'application/json') {
  response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(body));
}

function problem(response, status, code) {
  json(response, status, { type: 'about:blank', title: code, status, code }, 'application/problem+json');
}

async function text(request) {
  let out = '';
  for await (const part of request) out += part;
  return out;
}
