// What must be heard at an ear, and what must not.
import { tones } from './tone.mjs';
import { until } from './until.mjs';

const heard = -38; // dBFS: a voice that is there
const masked = -42; // dBFS: a voice that is not there, beside one that is: bursts of a tone spread a little
const silent = -58; // dBFS: nobody is there

/**
 * hears waits until an ear hears exactly the given voices, and none of the others that could be there. An ear is a Console,
 * a Phone, or {hear} of the simulator; voices are names of lib/tone.mjs.
 */
export async function hears(ear, who, voices, others = Object.keys(tones)) {
  const asked = [...new Set([...voices, ...others])];
  await until(
    async () => {
      const levels = await ear.hear(
        asked.map((voice) => tones[voice]),
        1000,
      );
      const wrong = asked.filter((voice) => {
        const level = levels[tones[voice]];
        if (voices.includes(voice)) return level < heard;
        return level > (voices.length > 0 ? masked : silent);
      });
      if (wrong.length === 0) return true;
      throw new Error(`wrong: ${wrong}; levels ${asked.map((voice) => `${voice} ${levels[tones[voice]]}`).join(', ')}`);
    },
    `${who} hears ${voices.join(' and ') || 'nobody'}`,
  );
}
