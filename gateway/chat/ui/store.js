// What outlives a reload, in localStorage. A browser may forbid it, fill it up
// or hold what another version wrote: none of these may stop the chat.

const names = {
  conversation: 'clawgate.conversation',
  model: 'clawgate.model',
  key: 'clawgate.key',
};

function read(name) {
  try {
    return localStorage.getItem(name) ?? '';
  } catch {
    return '';
  }
}

// write says whether the value was kept.
function write(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
    return true;
  } catch {
    return false;
  }
}

// What could not be kept still counts until the reload.
const memory = {};

function remembered(name) {
  return {
    get: () => memory[name] ?? read(name),
    set(value) {
      memory[name] = value;
      return write(name, value);
    },
  };
}

export const model = remembered(names.model);
export const key = remembered(names.key);

export const conversation = {
  // load gives the messages of the last visit, or none where they make no sense.
  load() {
    try {
      const messages = JSON.parse(read(names.conversation) || '[]');
      return messages.every(isMessage) ? messages : [];
    } catch {
      return [];
    }
  },
  save(messages) {
    return write(names.conversation, messages.length ? JSON.stringify(messages) : '');
  },
};

function isMessage(value) {
  if (value?.role === 'user') return typeof value.content === 'string';
  return value?.role === 'assistant'
    && typeof value.content === 'string'
    && typeof value.thinking === 'string'
    && typeof value.done === 'boolean';
}
