// How one message looks. The conversation's data lives in page.js; these
// functions make it visible.

import { show } from './markdown.js';
import { texts } from './texts.js';

// messageView shows a message and follows its changes by update().
export function messageView(message) {
  const node = document.createElement('article');
  node.className = message.role;
  node.setAttribute('aria-label', message.role === 'user' ? texts.you : texts.assistant);
  if (message.role === 'user') {
    node.textContent = message.content;
    return { node, update() {} };
  }
  const thinking = thinkingView();
  const answer = document.createElement('div');
  answer.className = 'answer';
  node.append(thinking.node, answer);

  let planned = 0;
  const draw = () => {
    planned = 0;
    thinking.update(message.thinking);
    show(answer, message.content || (message.done ? `*${texts.noText}*` : ''));
  };
  draw();
  return {
    node,
    // Chunks come faster than a screen can show them.
    update() {
      planned ||= requestAnimationFrame(draw);
    },
  };
}

function thinkingView() {
  const node = document.createElement('details');
  const summary = document.createElement('summary');
  const text = document.createElement('div');
  summary.textContent = texts.thinking;
  node.append(summary, text);
  return {
    node,
    update(thinking) {
      node.hidden = !thinking;
      if (text.textContent !== thinking) text.textContent = thinking;
    },
  };
}
