import type { Chat } from '../protocol/types';

// Links inside messages. A call link (https://wa.me/call/{number}?biz_payload=...) to a business of this phone places a
// call; other web links open; anything else stays text.

export type Piece = { kind: 'text'; text: string } | { kind: 'link'; text: string; url: string };

export interface CallLink {
  pnid: string;
  payload: string;
}

/** pieces cuts a text into plain parts and web links; punctuation after a link is not part of it. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/g)) {
    const link = match[0].replace(/[.,;:!?)\]}']+$/, '');
    if (!safeUrl(link)) continue;
    if (match.index > from) out.push({ kind: 'text', text: text.slice(from, match.index) });
    out.push({ kind: 'link', text: link, url: link });
    from = match.index + link.length;
  }
  if (from < text.length) out.push({ kind: 'text', text: text.slice(from) });
  return out;
}

/** safeUrl is the address when a page may open it, else "". */
export function safeUrl(url: string): string {
  try {
    const parsed = new URL(url);
    return ['http:', 'https:', 'tel:', 'mailto:'].includes(parsed.protocol) ? parsed.href : '';
  } catch {
    return '';
  }
}

/** callLink reads a call link to one of the businesses of this phone. */
export function callLink(url: string, chats: readonly Chat[]): CallLink | undefined {
  if (safeUrl(url) === '') return undefined;
  const parsed = new URL(url);
  const number = /^\/call\/\+?(\d+)\/?$/.exec(parsed.pathname)?.[1];
  if (parsed.hostname !== 'wa.me' || !number) return undefined;
  const chat = chats.find((entry) => entry.display_phone_number.replace(/\D/g, '') === number);
  return chat ? { pnid: chat.pnid, payload: parsed.searchParams.get('biz_payload') ?? '' } : undefined;
}
