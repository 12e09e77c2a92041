/** later runs the newest call after a pause; cancel() forgets it. The owner cancels when it goes away. */
export function later<A extends unknown[]>(
  ms: number,
  run: (...args: A) => void,
): ((...args: A) => void) & { cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const call = (...args: A) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), ms);
  };
  call.cancel = () => clearTimeout(timer);
  return call;
}

/** atMost runs at once and then at most every ms, never forgetting the last call. The owner cancels. */
export function atMost(ms: number, run: () => void): (() => void) & { cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let again = false;
  const call = () => {
    if (timer !== undefined) {
      again = true;
      return;
    }
    run();
    timer = setTimeout(() => {
      timer = undefined;
      if (!again) return;
      again = false;
      call();
    }, ms);
  };
  call.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
    again = false;
  };
  return call;
}
