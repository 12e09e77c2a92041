import type { Chat } from '../protocol/types';

// Where the page is. The path holds the customer, the fragment the screen, so that a reload keeps the place.

export interface Route {
  screen: 'list' | 'chat' | 'profile';
  pnid: string;
}

/** keyOfPath reads the customer's key from /phone/{key}; "" is the start page. */
export function keyOfPath(path: string, base: string): string {
  if (!path.startsWith(base)) return '';
  const first = path.slice(base.length).split('/')[0] ?? '';
  try {
    return decodeURIComponent(first);
  } catch {
    return '';
  }
}

export function parseRoute(hash: string): Route {
  const [kind, pnid = '', more] = hash.replace(/^#\/?/, '').split('/');
  if (kind !== 'chat' || pnid === '') return { screen: 'list', pnid: '' };
  return { screen: more === 'profile' ? 'profile' : 'chat', pnid: safeDecode(pnid) };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function routeHash(route: Route): string {
  if (route.screen === 'list') return '#/';
  return `#/chat/${encodeURIComponent(route.pnid)}${route.screen === 'profile' ? '/profile' : ''}`;
}

/** resolveRoute opens the only chat at once and falls back to the list when the chat is not known. */
export function resolveRoute(route: Route, chats: readonly Chat[]): Route {
  if (route.screen !== 'list' && chats.some((chat) => chat.pnid === route.pnid)) return route;
  const only = chats.length === 1 ? chats[0] : undefined;
  return only ? { screen: 'chat', pnid: only.pnid } : { screen: 'list', pnid: '' };
}
