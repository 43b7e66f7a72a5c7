// The dialog for the API key.

import * as store from './store.js';
import { texts } from './texts.js';

const find = (id) => document.getElementById(id);
const [dialog, form, field, wanted, wrong] = ['dialog', 'key-form', 'key', 'key-wanted', 'key-wrong'].map(find);

// A header takes visible ASCII only; fetch would fail as if the network were down.
const SENDABLE = /^[\x21-\x7e]*$/;

// openSettings asks for the key; because the service did, where asked is set.
export function openSettings({ asked = false } = {}) {
  wanted.hidden = !asked;
  wrong.textContent = '';
  if (dialog.open) return;
  field.value = store.key.get();
  dialog.showModal();
  field.select();
}

// onKey calls back whenever a key was saved.
export function onKey(saved) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (!SENDABLE.test(key)) {
      wrong.textContent = texts.keyWrong;
      return;
    }
    store.key.set(key);
    dialog.close();
    saved();
  });
  find('cancel').addEventListener('click', () => dialog.close());
  // Do not leave the key in the page longer than needed.
  dialog.addEventListener('close', () => { field.value = ''; });
}
