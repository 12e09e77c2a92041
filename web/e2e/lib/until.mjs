// Waiting for what must come true, never for time to pass.

export const patience = 12_000; // ms until what must happen counts as missing

/** until asks again and again until check answers something true, and returns it. A check that throws is asked again. */
export async function until(check, what, within = patience) {
  const deadline = Date.now() + within;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (err) {
      last = err;
    }
    if (Date.now() > deadline) throw new Error(`not in ${within} ms: ${what} (last: ${tell(last)})`);
    await new Promise((wake) => setTimeout(wake, 60));
  }
}

function tell(value) {
  if (value instanceof Error) return value.message.split('\n')[0];
  return JSON.stringify(value);
}
