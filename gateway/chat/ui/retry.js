// When to send a failed request again. The first failure is often a blip, so it
// is followed by a short silent wait; from the second on the user is told that
// the service recovers, and the request goes out once the service says it is
// ready or the time it named has passed. Only success or the user ends this.

const FIRST_WAIT = 3000;
const DEFAULT_WAIT = 30000;
const SHORTEST_WAIT = 1000; // "Retry-After: 0" must not become a storm
const POLL = 2000;

// Unavailable is a failure that may pass: sending again can help.
export class Unavailable extends Error {
  constructor({ after = null, busy = false, sentence = '' } = {}) {
    super('unavailable');
    this.after = after; // milliseconds the service asked for, or null
    this.busy = busy; // turned away for too many requests, not for being down
    this.sentence = sentence;
  }
}

// persist calls attempt until it succeeds, fails for good or is stopped by the
// signal. tell hears what to show: {kind: 'again' | 'recovering' | 'busy'}.
export async function persist(attempt, { ready, tell, signal }) {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof Unavailable)) throw failure;
      if (failures === 1) {
        tell({ kind: 'again', sentence: failure.sentence });
        await sleep(Math.min(FIRST_WAIT, failure.after ?? FIRST_WAIT), signal);
      } else {
        await recovery(failure, { ready, tell, signal });
      }
    }
  }
}

async function recovery(failure, { ready, tell, signal }) {
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  const waits = [countdown(failure, tell, both)];
  // A server that is ready yet turns users away would be asked every 2 s.
  if (!failure.busy) waits.push(untilReady(ready, both));
  try {
    await Promise.race(waits);
  } finally {
    over.abort();
    await Promise.allSettled(waits);
  }
}

async function countdown(failure, tell, signal) {
  const end = performance.now() + Math.max(SHORTEST_WAIT, failure.after ?? DEFAULT_WAIT);
  for (let left; (left = end - performance.now()) > 0;) {
    tell({
      kind: failure.busy ? 'busy' : 'recovering',
      sentence: failure.sentence,
      seconds: Math.ceil(left / 1000),
    });
    await sleep(Math.min(left, left % 1000 || 1000), signal);
  }
}

async function untilReady(ready, signal) {
  do await sleep(POLL, signal); while (!await ready(signal));
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

// retryAfter reads how long a response asks to wait, in milliseconds.
// Retry-After-Ms is the gateway's real estimate; Retry-After may be a date.
export function retryAfter(headers, now = Date.now()) {
  const exact = headers.get('Retry-After-Ms');
  if (/^\d+(\.\d+)?$/.test(exact ?? '')) return Number(exact);
  const rough = headers.get('Retry-After') ?? '';
  if (/^\d+$/.test(rough)) return Number(rough) * 1000;
  const date = Date.parse(rough);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
