// The page itself: what the user does, and the conversation that follows from it.
//
// The conversation alone decides what can be done next. Ends it with the user's
// message, that one can be sent again; ends it with an answer that is not done,
// that one can be continued. So nothing is lost by a failure, a stop or a reload.

import { Cut, Refused, chat, models } from './api.js';
import { messageView } from './messages.js';
import { notify, refusal, waiting } from './notice.js';
import { onKey, openSettings } from './settings.js';
import * as store from './store.js';
import { texts, translate } from './texts.js';

const find = (id) => document.getElementById(id);
const [scroller, list, welcome, prompt, send, stop, select] =
  ['conversation', 'messages', 'welcome', 'prompt', 'send', 'stop', 'model'].map(find);

let messages = store.conversation.load();
let views = [];
let running = null; // the AbortController of the answer being waited for
let listing = null; // the same for the list of models
let listed = null; // settled when that list has come, or will not
let listTold = false; // the notice is about the list
let answerWantsKey = false;

function save() {
  return store.conversation.save(messages);
}

function append(message) {
  messages.push(message);
  display(message);
}

function display(message) {
  const view = messageView(message);
  views.push(view);
  list.append(view.node);
  welcome.hidden = true;
}

function redraw() {
  views = [];
  list.replaceChildren();
  welcome.hidden = messages.length > 0;
  messages.forEach(display);
  scroller.scrollTop = scroller.scrollHeight;
}

// follow keeps the end in sight, unless the user has scrolled up to read.
function follow(change) {
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  change();
  if (atEnd) requestAnimationFrame(() => { scroller.scrollTop = scroller.scrollHeight; });
}

// next says what can be done with the conversation as it stands.
function next() {
  const last = messages.at(-1);
  if (last?.role === 'user') return { edit: true, again: texts.sendAgain };
  if (last && !last.done) return { again: last.content ? texts.proceed : texts.sendAgain };
  return null;
}

function offer(kind, sentence) {
  const possible = next();
  if (possible || kind === 'error') notify({ kind, sentence, ...possible });
  else notify(null);
}

// question gives what to send: the text alone, without what the model thought.
function question() {
  const sent = messages
    .filter(({ content }) => content)
    .map(({ role, content }) => ({ role, content }));
  if (sent.at(-1)?.role === 'assistant') sent.push({ role: 'user', content: texts.proceedPrompt });
  return sent;
}

// receiver joins the parts that arrive to the conversation's last answer.
function receiver() {
  let answer = messages.at(-1);
  let saved = 0;
  if (answer.role === 'assistant' && !answer.content) answer.thinking = ''; // it thinks anew
  return ({ content, thinking }) => follow(() => {
    if (answer.role !== 'assistant') {
      answer = { role: 'assistant', content: '', thinking: '', done: false };
      append(answer);
    }
    if (!answer.content && content) notify({ kind: 'info', sentence: texts.answering });
    answer.content += content;
    answer.thinking += thinking;
    views.at(-1).update();
    if (performance.now() - saved > 1000) {
      save();
      saved = performance.now();
    }
  });
}

function finish() {
  const last = messages.at(-1);
  if (last.role === 'assistant') last.done = true;
  else append({ role: 'assistant', content: '', thinking: '', done: true });
  views.at(-1).update();
}

// answer asks for the answer that the conversation lacks.
async function answer() {
  if (running || !next()) return;
  running = new AbortController();
  const { signal } = running;
  busy(true);
  notify({ kind: 'info', sentence: texts.waiting });
  try {
    await chat({ model: select.value, messages: question(), signal, tell: waiting, heard: receiver() });
    if (signal.reason === 'forgotten') return;
    follow(finish);
    notify(null);
  } catch (failure) {
    if (signal.reason !== 'forgotten') explain(failure, signal);
  } finally {
    if (running?.signal === signal) {
      running = null;
      busy(false);
    }
    if (!save()) notify({ kind: 'error', sentence: texts.storageFull, ...next() });
  }
}

function explain(failure, signal) {
  if (signal.aborted) {
    offer('info', texts.stopped);
  } else if (failure instanceof Cut) {
    offer('error', texts.cut);
  } else if (failure instanceof Refused) {
    offer('error', refusal(failure));
    if (failure.status === 401) {
      answerWantsKey = true;
      openSettings({ asked: true });
    }
  } else {
    console.error(failure);
    offer('error', texts.broken);
  }
}

function busy(is) {
  send.hidden = is;
  stop.hidden = !is;
  scroller.setAttribute('aria-busy', is);
}

async function submit() {
  if (!select.value) await listed; // whoever is quicker than the list waits for it
  const content = prompt.value;
  if (running || !content.trim()) return;
  if (!select.value) {
    notify({ kind: 'error', sentence: texts.modelMissing });
    return;
  }
  append({ role: 'user', content });
  save();
  prompt.value = '';
  grow();
  scroller.scrollTop = scroller.scrollHeight;
  answer();
}

// edit takes the last message back into the field.
function edit() {
  if (running || messages.at(-1)?.role !== 'user') return;
  const { content } = messages.pop();
  prompt.value = prompt.value ? `${content}\n${prompt.value}` : content;
  save();
  redraw();
  notify(null);
  grow();
  prompt.focus();
}

function forget() {
  running?.abort('forgotten');
  running = null;
  busy(false);
  messages = [];
  save();
  redraw();
  notify(null);
  prompt.focus();
}

function grow() {
  prompt.style.height = 'auto';
  prompt.style.height = `${prompt.scrollHeight + 2}px`;
}

function offerModels(names) {
  const chosen = store.model.get();
  const options = names.length || !chosen ? names : [chosen];
  select.replaceChildren(...(options.length ? options : ['']).map((name) => new Option(name || texts.noModel, name)));
  if (options.includes(chosen)) select.value = chosen;
}

async function listModels() {
  listing?.abort();
  listing = new AbortController();
  const { signal } = listing;
  try {
    const names = await models({
      signal,
      tell(wait) {
        if (running) return; // what the answer waits for matters more
        listTold = true;
        waiting(wait);
      },
    });
    offerModels(names);
    if (listTold && !running) offer('info', texts.unanswered);
    listTold = false;
  } catch (failure) {
    if (signal.aborted) return;
    if (failure instanceof Refused) {
      listTold = true;
      if (!running) notify({ kind: 'error', sentence: refusal(failure), ...next() });
      if (failure.status === 401) openSettings({ asked: true });
    } else console.error(failure);
  }
}

function listenToUser() {
  find('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  prompt.addEventListener('input', grow);
  prompt.addEventListener('keydown', (event) => {
    // While an input method composes, Enter picks a word (229 is Safari's way to say so).
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !event.isComposing && !find('dialog').open) running?.abort();
  });
  stop.addEventListener('click', () => {
    running?.abort();
    prompt.focus();
  });
  find('again').addEventListener('click', () => {
    prompt.focus(); // the button is about to vanish, and focus with it
    answer();
  });
  find('edit').addEventListener('click', edit);
  find('new').addEventListener('click', forget);
  find('settings').addEventListener('click', () => openSettings());
  select.addEventListener('change', () => store.model.set(select.value));
  onKey(() => {
    listed = listModels();
    if (answerWantsKey) answer();
    answerWantsKey = false;
  });
  // Only what is under way: an idle tab must not undo what another one has saved.
  addEventListener('pagehide', () => { if (running) save(); });
}

translate(document);
offerModels([]);
redraw();
offer('info', texts.unanswered);
listenToUser();
listed = listModels();
