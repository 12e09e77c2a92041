import { signal } from '@preact/signals';

// Where we are, as the address's fragment says it: #/contacts/ct_1?ongoing=1. The browser's history is the owner; this
// module mirrors it in a signal.

export type Place = 'contacts' | 'history' | 'settings';

export interface Route {
  place: Place;
  id: string; // of the contact or call, or the settings section
  query: Readonly<Record<string, string>>;
}

const places: readonly Place[] = ['contacts', 'history', 'settings'];

export function parseHash(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [first = '', id = ''] = path.split('/');
  const place = places.find((known) => known === first) ?? 'contacts';
  return { place, id: safeDecode(id), query: Object.fromEntries(new URLSearchParams(search)) };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

export function formatHash(route: { place: Place; id?: string; query?: Record<string, string | undefined> }): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(route.query ?? {})) if (value) params.set(name, value);
  const search = params.toString();
  const id = route.id ? `/${encodeURIComponent(route.id)}` : '';
  return `#/${route.place}${id}${search ? `?${search}` : ''}`;
}

export const route = signal<Route>(parseHash(location.hash));

window.addEventListener('hashchange', () => {
  if (!location.hash.startsWith('#token=')) route.value = parseHash(location.hash);
});

export function go(to: { place: Place; id?: string; query?: Record<string, string | undefined> }): void {
  location.hash = formatHash(to);
}

/** setQuery changes the filters of the present place without a new entry in the browser's history. */
export function setQuery(query: Record<string, string | undefined>): void {
  const next = formatHash({ ...route.peek(), query });
  history.replaceState(null, '', next);
  route.value = parseHash(next);
}
