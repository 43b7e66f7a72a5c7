// The calls to the gateway this page was loaded from, and what their failures mean.

import { Unavailable, persist, retryAfter } from './retry.js';
import * as store from './store.js';

const PASSING = new Set([429, 500, 502, 503, 504]);
const LIST_LIMIT = 15000;
const READY_LIMIT = 5000;

// Refused is an answer that sending again would not change.
export class Refused extends Error {
  constructor(status, sentence) {
    super('refused');
    this.status = status;
    this.sentence = sentence; // the server's own, or empty
  }
}

// Cut is an answer that broke off after some of it had arrived.
export class Cut extends Error {}

// models lists the names the service offers.
export function models({ signal, tell }) {
  return persist(async () => {
    const response = await call('/api/tags', { signal: within(LIST_LIMIT, signal) }, signal);
    const listed = await response.json().catch(() => null);
    if (!Array.isArray(listed?.models)) {
      signal.throwIfAborted();
      throw new Unavailable();
    }
    return listed.models.map((model) => model.name).filter((name) => typeof name === 'string' && name);
  }, { ready, tell, signal });
}

// chat asks for the next message; heard gets each part {content, thinking} as it arrives.
export function chat({ model, messages, signal, tell, heard }) {
  const body = JSON.stringify({ model, messages, stream: true });
  return persist(async () => {
    const response = await call('/api/chat', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
      signal,
    }, signal);
    await listen(response, heard, signal);
  }, { ready: (stop) => ready(stop, model), tell, signal });
}

// ready asks whether a request would be served, for one model if it is named. No answer means no.
async function ready(signal, model) {
  const asked = model ? `/-/ready?model=${encodeURIComponent(model)}` : '/-/ready';
  try {
    const response = await fetch(at(asked), { cache: 'no-store', signal: within(READY_LIMIT, signal) });
    return response.status === 200;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function call(path, options, stop) {
  const headers = new Headers(options.headers);
  if (store.key.get()) headers.set('Authorization', `Bearer ${store.key.get()}`);
  let response;
  try {
    response = await fetch(at(path), { ...options, headers, cache: 'no-store' });
  } catch {
    stop.throwIfAborted();
    throw new Unavailable(); // no connection, or none in time
  }
  if (response.ok) return response;
  const sentence = await sentenceOf(response);
  stop.throwIfAborted();
  if (!PASSING.has(response.status)) throw new Refused(response.status, sentence);
  const busy = response.status === 429;
  throw new Unavailable({ after: retryAfter(response.headers), busy, sentence: busy ? sentence : '' });
}

// listen reads the stream to its last chunk, the one with "done": true.
async function listen(response, heard, stop) {
  let arrived = false;
  try {
    for await (const line of lines(response.body)) {
      stop.throwIfAborted();
      const chunk = JSON.parse(line);
      if (chunk.error) break; // Ollama's way to say that it failed after "200 OK"
      const { content = '', thinking = '' } = chunk.message ?? {};
      if (content || thinking) {
        arrived = true;
        heard({ content, thinking });
      }
      if (chunk.done) return;
    }
  } catch {
    stop.throwIfAborted(); // else the connection broke, or sent what is no chunk
  }
  throw arrived ? new Cut() : new Unavailable();
}

async function* lines(body) {
  // Not through a TextDecoderStream: when the connection breaks, a pipe drops
  // what has arrived and was not read yet.
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = parts.pop();
      yield* parts.filter((part) => part.trim());
    }
    if (rest.trim()) yield rest;
  } finally {
    reader.cancel().catch(() => {}); // whoever leaves early wants no more of it
  }
}

// sentenceOf finds what a refusal says, in Ollama's shape or in OpenAI's.
async function sentenceOf(response) {
  const said = await response.json().catch(() => null);
  const sentence = said?.error?.message ?? said?.error;
  return typeof sentence === 'string' ? sentence.slice(0, 500) : '';
}

// The page lives one level below the API, also behind a proxy that adds a prefix.
function at(path) {
  return new URL(`..${path}`, document.baseURI);
}

function within(milliseconds, signal) {
  return AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
}
