import { signal } from '@preact/signals';

// The token arrives in the address's fragment, which no server sees, moves to this tab's session storage and leaves the
// address at once. This module owns it.

const storageKey = 'ramal.token';

/** tokenOfHash returns the token of an address fragment such as "#token=abc", or "". */
export function tokenOfHash(hash: string): string {
  const match = /^#token=([^&]+)/.exec(hash);
  return match?.[1] ? decodeURIComponent(match[1]).trim() : '';
}

/** looksLikeToken accepts the three parts of a JWT; whether it is good, the server says. */
export function looksLikeToken(text: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text.trim());
}

export const token = signal(sessionStorage.getItem(storageKey) ?? '');
export const tokenRefused = signal(false);

/** takeToken moves a token from the address to the session; true when there was one. */
export function takeToken(): boolean {
  const found = tokenOfHash(location.hash);
  if (!found) return false;
  history.replaceState(null, '', `${location.pathname}${location.search}#/contacts`);
  setToken(found);
  return true;
}

export function setToken(text: string): void {
  sessionStorage.setItem(storageKey, text);
  tokenRefused.value = false;
  token.value = text;
}

/** refuseToken forgets a token that the server did not accept. */
export function refuseToken(): void {
  sessionStorage.removeItem(storageKey);
  tokenRefused.value = true;
  token.value = '';
}
