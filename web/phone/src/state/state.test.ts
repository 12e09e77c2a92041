import { describe, expect, test } from 'vitest';
import type { Call, Chat, Message } from '../protocol/types';
import { endedKey, isMissed, liveAudio, shownCall, soundOf } from './calls';
import { callLink, pieces, safeUrl } from './links';
import { keyOfPath, parseRoute, resolveRoute, routeHash } from './route';
import { textOf, timeline } from './timeline';

function call(id: string, phase: Call['phase'], direction: Call['direction'] = 'incoming'): Call {
  return {
    id,
    pnid: '1',
    name: 'Farmácia',
    direction,
    phase,
    started_at: '2026-11-24T12:00:00.000Z',
    muted: false,
    audio: 'none',
    business_audio: false,
  };
}

function chat(pnid: string, number = '+55 11 4002-8922'): Chat {
  return {
    pnid,
    name: pnid,
    display_phone_number: number,
    access: { icon: true, open: true },
    permission: { status: 'no_permission' },
    messages: [],
    unread: 0,
  };
}

const nothing = { live: new Set<string>(), dismissed: new Set<string>() };

describe('which call is on the screen', () => {
  test('none without calls', () => {
    expect(shownCall([], nothing)).toBeUndefined();
  });
  test('a talk stays in front of a second one that rings', () => {
    expect(shownCall([call('b', 'ringing'), call('a', 'connected')], nothing)?.id).toBe('a');
  });
  test('a live call stays in front of an ended one', () => {
    const seen = { live: new Set(['a', 'b']), dismissed: new Set<string>() };
    expect(shownCall([call('a', 'ended'), call('b', 'ringing')], seen)?.id).toBe('b');
  });
  test('an ended call shows only where it was seen alive, until it is dismissed', () => {
    const ended = [call('a', 'ended')];
    expect(shownCall(ended, nothing)).toBeUndefined();
    expect(shownCall(ended, { live: new Set(['a']), dismissed: new Set() })?.id).toBe('a');
    expect(shownCall(ended, { live: new Set(['a']), dismissed: new Set(['a']) })).toBeUndefined();
  });
});

describe('what sounds', () => {
  test.each([
    ['nothing', [], 'none'],
    ['incoming ringing', [call('a', 'ringing')], 'ringtone'],
    ['outgoing ringing', [call('a', 'ringing', 'outgoing')], 'ringback'],
    ['connecting', [call('a', 'connecting')], 'none'],
    ['ended', [call('a', 'ended')], 'none'],
    ['a second call during a talk', [call('b', 'ringing'), call('a', 'connected')], 'none'],
    ['a new call after an ended one', [call('b', 'ringing'), call('a', 'ended')], 'ringtone'],
  ] as const)('%s', (_, calls, sound) => {
    expect(soundOf(calls)).toBe(sound);
  });
});

test('a reloaded page takes the audio only of its own live call', () => {
  expect(liveAudio([call('a', 'connected')], 'a')).toBe('a');
  expect(liveAudio([call('a', 'ended')], 'a')).toBe('');
  expect(liveAudio([call('a', 'connected')], 'b')).toBe('');
  expect(liveAudio([call('', 'connected')], '')).toBe('');
});

test('missed calls are incoming ones that nobody took or that were given up', () => {
  expect(isMissed('incoming', 'no_answer')).toBe(true);
  expect(isMissed('incoming', 'cancelled')).toBe(true);
  expect(isMissed('incoming', 'declined')).toBe(false);
  expect(isMissed('outgoing', 'no_answer')).toBe(false);
  expect(endedKey({ direction: 'outgoing', outcome: 'declined' })).toBe('outgoing.declined');
  expect(endedKey({ direction: 'incoming' })).toBe('incoming.completed');
});

describe('links', () => {
  test('a text is cut at its web links, without the punctuation after them', () => {
    expect(pieces('Veja https://example.com/a?b=1, ou ligue.')).toEqual([
      { kind: 'text', text: 'Veja ' },
      { kind: 'link', text: 'https://example.com/a?b=1', url: 'https://example.com/a?b=1' },
      { kind: 'text', text: ', ou ligue.' },
    ]);
    expect(pieces('sem link')).toEqual([{ kind: 'text', text: 'sem link' }]);
    expect(pieces('')).toEqual([]);
  });
  test('nothing of the text is lost', () => {
    const text = 'a http://x.y/z. b https://[bad c';
    expect(
      pieces(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text);
  });
  test('only web, phone and mail addresses open', () => {
    expect(safeUrl('https://example.com')).toBe('https://example.com/');
    expect(safeUrl('tel:+551140028922')).toBe('tel:+551140028922');
    expect(safeUrl('javascript:alert(1)')).toBe('');
    expect(safeUrl('data:text/html,x')).toBe('');
    expect(safeUrl('nothing')).toBe('');
  });
  test('a call link calls the business that has the number', () => {
    const chats = [chat('1', '+55 11 3000-0000'), chat('2')];
    expect(callLink('https://wa.me/call/551140028922?biz_payload=campaign-7', chats)).toEqual({
      pnid: '2',
      payload: 'campaign-7',
    });
    expect(callLink('https://wa.me/call/551140028922', chats)?.payload).toBe('');
    expect(callLink('https://wa.me/call/5511999999999', chats)).toBeUndefined();
    expect(callLink('https://wa.me/551140028922', chats)).toBeUndefined();
    expect(callLink('https://example.com/call/551140028922', chats)).toBeUndefined();
  });
});

describe('routes', () => {
  test.each([
    ['/phone/5511987654321', '5511987654321'],
    ['/phone/BR.1A2b3C', 'BR.1A2b3C'],
    ['/phone/a%2Fb', 'a/b'],
    ['/phone/', ''],
    ['/phone/%', ''],
    ['/other', ''],
  ])('the customer of %s', (path, key) => {
    expect(keyOfPath(path, '/phone/')).toBe(key);
  });
  test('a route survives its own address', () => {
    for (const route of [
      { screen: 'list', pnid: '' },
      { screen: 'chat', pnid: 'a/b' },
      { screen: 'profile', pnid: '123' },
    ] as const) {
      expect(parseRoute(routeHash(route))).toEqual(route);
    }
    expect(parseRoute('#/chat/%').pnid).toBe('%');
  });
  test('the only chat opens by itself, an unknown one does not', () => {
    const list = { screen: 'list', pnid: '' } as const;
    expect(resolveRoute(list, [chat('1')])).toEqual({ screen: 'chat', pnid: '1' });
    expect(resolveRoute(list, [chat('1'), chat('2')])).toEqual(list);
    expect(resolveRoute({ screen: 'profile', pnid: '2' }, [chat('1'), chat('2')]).screen).toBe('profile');
    expect(resolveRoute({ screen: 'chat', pnid: '9' }, [chat('1'), chat('2')])).toEqual(list);
    expect(resolveRoute(list, [])).toEqual(list);
  });
});

describe('the timeline', () => {
  const message = (id: string, at: string, reply_to?: string): Message => ({
    id,
    at,
    from: 'user',
    kind: 'text',
    text: id,
    reply_to,
  });
  test('a line before each local day, answers with what they answer', () => {
    const entries = timeline([
      message('a', '2026-11-24T02:30:00.000Z'), // still the 23rd in São Paulo
      message('b', '2026-11-24T03:30:00.000Z', 'a'),
      message('c', '2026-11-24T12:00:00.000Z', 'gone'),
    ]);
    expect(entries.map((entry) => entry.type)).toEqual(['day', 'message', 'day', 'message', 'message']);
    const [, , , second, third] = entries;
    expect(second?.type === 'message' && second.quoted?.id).toBe('a');
    expect(third?.type === 'message' && third.quoted).toBeUndefined();
  });
  test('a time that cannot be read still shows its message', () => {
    expect(timeline([message('a', 'never')]).map((entry) => entry.type)).toEqual(['message']);
  });
  test('the written part of a message', () => {
    expect(textOf(message('a', '2026-11-24T12:00:00.000Z'))).toBe('a');
    expect(textOf({ id: 'x', at: '', from: 'system', kind: 'system', code: 'call_failed' })).toBe('');
  });
});
