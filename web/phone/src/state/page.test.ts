import { effect, signal } from '@preact/signals';
import { expect, test, vi } from 'vitest';
import type { Chat } from '../protocol/types';
import { reading } from './page';

function chat(newest: string, unread: number): Chat {
  return {
    pnid: '1',
    name: 'Farmácia',
    display_phone_number: '',
    access: { icon: true, open: true },
    permission: { status: 'no_permission' },
    messages: [{ id: newest, at: '', from: 'business', kind: 'text', text: newest }],
    unread,
  };
}

test('a chat is told read once for each newest message, and again after a failure', async () => {
  const looked = signal<Chat | undefined>(undefined);
  const tell = vi.fn(async (_pnid: string): Promise<void> => undefined);
  const stop = effect(reading(looked, tell));
  looked.value = chat('a', 0);
  expect(tell).toHaveBeenCalledTimes(0);
  looked.value = chat('a', 1);
  looked.value = chat('a', 1);
  expect(tell.mock.calls).toEqual([['1']]);
  tell.mockRejectedValueOnce(new Error('down'));
  looked.value = chat('b', 1);
  await Promise.resolve();
  await Promise.resolve();
  looked.value = chat('b', 1);
  expect(tell).toHaveBeenCalledTimes(3);
  stop();
});
