// What a tab does when the connection of its leg is broken. Pure; calls.ts asks and acts. The danger is two tabs or devices
// of one agent that take the audio from each other, each calling it a repair.

export interface Broken {
  online: boolean; // the session with the server is open, so its view is fresh
  missed: boolean; // the server says that our leg has no audio ("reconnecting")
  goodbye: boolean; // the server ended the connection itself
  announced: boolean; // our leg was called missed while its connection here was well: another session is taking it
  gone: boolean; // the connection is failed or closed, not merely silent
  brokenMs: number;
}

export type Repair = 'wait' | 'attach' | 'yield';

const repairAfterMs = 1_500;
const viewAfterMs = 1_000; // the view may come after the goodbye
const settleMs = 3_500; // a taking-over elsewhere shows our leg as missed until its audio flows
const takenAfterMs = 6_000;

/**
 * repair decides. Ended by the server while our leg is alive means that another session has it: yield, at once when that
 * was announced. Missed by the server means that nobody has it: attach, but not into a taking-over that may yet settle.
 */
export function repair(broken: Broken): Repair {
  const { online, missed, goodbye, announced, gone, brokenMs } = broken;
  if (!online) return 'wait';
  if (goodbye && !missed) return announced || brokenMs >= viewAfterMs ? 'yield' : 'wait';
  if (missed) return brokenMs >= (announced ? settleMs : repairAfterMs) ? 'attach' : 'wait';
  return gone && brokenMs > takenAfterMs ? 'yield' : 'wait';
}
