import type { Chat } from '../protocol/types';

// The page around the phone: what the browser tells it, and what counts as having read a chat.

const ofDocument = new Set(['visibilitychange', 'pointerdown', 'keydown']);

/** listen hears events of the document and the window until the returned function is called. */
export function listen(handlers: Record<string, () => void>): () => void {
  const entries = Object.entries(handlers);
  const place = (name: string) => (ofDocument.has(name) ? document : window);
  for (const [name, handler] of entries) place(name).addEventListener(name, handler);
  return () => {
    for (const [name, handler] of entries) place(name).removeEventListener(name, handler);
  };
}

/** reading says once for each newest message that the chat on the screen was read; a failed try is made again. */
export function reading(
  looked: { readonly value: Chat | undefined },
  tell: (pnid: string) => Promise<unknown>,
): () => void {
  let told = '';
  return () => {
    const chat = looked.value;
    if (!chat || chat.unread === 0) return;
    const mark = `${chat.pnid} ${chat.messages.at(-1)?.id ?? ''}`;
    if (mark === told) return;
    told = mark;
    tell(chat.pnid).catch(() => {
      told = ''; // said again with the next state
    });
  };
}
