// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../protocol/failure';
import type { NoticeView, OfferView } from '../protocol/types';
import { deviceOptions } from '../screens/devices';
import { realDevices } from './devices';
import { unseen } from './notices';
import { ringingOf } from './ringing';
import { formatHash, parseHash, route, setQuery } from './route';
import { dismissToast, holdToasts, say, sayFailure, toasts } from './toasts';
import { looksLikeToken, setToken, takeToken, token, tokenOfHash } from './token';

describe('the address', () => {
  it.each([
    ['', 'contacts', '', {}],
    ['#/contacts/ct_1?ongoing=1', 'contacts', 'ct_1', { ongoing: '1' }],
    ['#/history', 'history', '', {}],
    ['#/settings/ln_1', 'settings', 'ln_1', {}],
    ['#/nowhere/x', 'contacts', 'x', {}],
    ['#/contacts/%E0%A4%A', 'contacts', '', {}],
  ])('%s', (hash, place, id, query) => {
    expect(parseHash(hash)).toEqual({ place, id, query });
  });

  it('is written as it is read', () => {
    const hash = formatHash({ place: 'contacts', id: 'a/b', query: { q: 'São Paulo', none: undefined } });
    expect(parseHash(hash)).toEqual({ place: 'contacts', id: 'a/b', query: { q: 'São Paulo' } });
  });

  it('changes its filter in place', () => {
    location.hash = '#/history';
    setQuery({ direction: 'inbound' });
    expect(route.value.query).toEqual({ direction: 'inbound' });
  });
});

describe('the token', () => {
  it('is taken from the address, and leaves it', () => {
    location.hash = '#token=aaa.bbb.ccc';
    expect(takeToken()).toBe(true);
    expect(location.hash).toBe('#/contacts');
    expect(token.value).toBe('aaa.bbb.ccc');
    expect(sessionStorage.getItem('ramal.token')).toBe('aaa.bbb.ccc');
    expect(takeToken()).toBe(false);
  });

  it('is known by its shape', () => {
    expect(tokenOfHash('#/contacts')).toBe('');
    expect(looksLikeToken('aaa.bbb.ccc')).toBe(true);
    expect(looksLikeToken('aaa bbb')).toBe(false);
    setToken('x.y.z');
    expect(token.value).toBe('x.y.z');
  });
});

describe('toasts', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    toasts.value = [];
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('go away by themselves, later while somebody reads', () => {
    say('oi');
    vi.advanceTimersByTime(5_000);
    holdToasts();
    vi.advanceTimersByTime(5_000);
    expect(toasts.value).toHaveLength(1);
    vi.advanceTimersByTime(2_000);
    expect(toasts.value).toHaveLength(0);
  });

  it('say the same error once, and nothing that was given up', () => {
    sayFailure(new Failure({ kind: 'conflict', code: 'offer_closed' }));
    sayFailure(new Failure({ kind: 'conflict', code: 'offer_closed' }));
    sayFailure(new Failure({ kind: 'aborted', code: 'aborted' }));
    expect(toasts.value).toHaveLength(1);
    dismissToast(toasts.value[0]?.id ?? 0);
    expect(toasts.value).toHaveLength(0);
  });

  it('are few', () => {
    for (let i = 0; i < 9; i++) say(String(i));
    expect(toasts.value.map((toast) => toast.text)).toEqual(['5', '6', '7', '8']);
  });
});

describe('ringing', () => {
  const offer = (id: string, seconds: number) =>
    ({ offer_id: id, expires_at: new Date(seconds * 1000).toISOString() }) as OfferView;

  it('leaves out what was answered here and what is past the deadline', () => {
    const all = [offer('a', 10), offer('b', 20), offer('c', 30)];
    expect(ringingOf(all, new Set(['c']), 10_000).map((o) => o.offer_id)).toEqual(['b']);
  });

  it('tells of each notice once', () => {
    const notice = (id: string) => ({ notice_id: id }) as NoticeView;
    expect(unseen([notice('a'), notice('b')], new Set(['a'])).map((n) => n.notice_id)).toEqual(['b']);
  });
});

describe('devices', () => {
  const info = (kind: string, deviceId: string, label = '') => ({ kind, deviceId, label }) as MediaDeviceInfo;

  it('leaves out aliases and what has no id yet', () => {
    const all = [
      info('audioinput', 'default'),
      info('audioinput', 'communications'),
      info('audioinput', ''),
      info('audioinput', 'm1', 'Headset'),
      info('audiooutput', 's1'),
    ];
    expect(realDevices(all, 'audioinput')).toEqual([{ id: 'm1', name: 'Headset' }]);
  });

  it('keeps a chosen device that is unplugged', () => {
    const options = deviceOptions([{ id: 'm1', name: '' }], 'gone');
    expect(options.map((option) => option.value)).toEqual(['', 'm1', 'gone']);
  });
});
