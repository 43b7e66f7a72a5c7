// The one place that says what is going on, and what can be done about it.

import { texts } from './texts.js';

const find = (id) => document.getElementById(id);
const [bar, status, countdown, edit, again] = ['notice', 'status', 'countdown', 'edit', 'again'].map(find);

// notify shows {kind, sentence, seconds, edit, again} or, given nothing, hides the bar.
// The sentence is read aloud once; the countdown beside it is not, or a screen
// reader would speak every second.
export function notify(notice) {
  bar.hidden = !notice;
  bar.className = notice?.kind ?? '';
  const sentence = notice?.sentence ?? '';
  if (status.textContent !== sentence) status.textContent = sentence;
  countdown.textContent = notice?.seconds ? clock(notice.seconds) : '';
  edit.hidden = !notice?.edit;
  again.hidden = !notice?.again;
  again.textContent = notice?.again ?? '';
}

function clock(seconds) {
  if (seconds < 60) return `${seconds} ${texts.second}`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

// waiting says why a request has not been answered yet.
export function waiting({ kind, sentence, seconds }) {
  const own = { again: texts.tryingAgain, recovering: texts.recovering, busy: texts.busy }[kind];
  notify({ kind, sentence: sentence || own, seconds });
}

// refusal puts an answer that is final into words. Only these statuses come with
// a sentence meant for a person; elsewhere it may be anything.
export function refusal({ status: code, sentence }) {
  const own = { 401: texts.needsKey, 403: texts.forbidden, 404: texts.notFound, 413: texts.tooLarge }[code];
  return (code === 401 ? own : own && (sentence || own)) ?? texts.refused;
}
