// Markdown to DOM nodes, for text that nobody has vetted. Nodes are made with
// createElement and filled with textContent, so nothing in the text can become
// markup; a link needs one of three schemes. blocks.js says what is a heading,
// a list and so on; this file builds them.

import { parse } from './blocks.js';
import { texts } from './texts.js';

const DEEPEST = 8; // a hostile text must not exhaust the stack
const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

// show makes parent display the text. Blocks that did not change keep their
// nodes: a stream redraws its last block only, and a selection above survives.
export function show(parent, source) {
  const wanted = parse(source.split('\n'));
  wanted.forEach((block, i) => {
    const key = JSON.stringify(block);
    const old = parent.children[i];
    if (old?.markdown === key) return;
    const node = build(block, 0);
    node.markdown = key;
    if (old) old.replaceWith(node);
    else parent.append(node);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

function make(name, ...children) {
  const node = document.createElement(name);
  node.append(...children);
  return node;
}

const builders = {
  paragraph: ({ text }) => make('p', ...inline(text)),
  // The page has its own h1 and h2.
  heading: ({ level, text }) => make(`h${Math.min(6, level + 2)}`, ...inline(text)),
  rule: () => make('hr'),
  code: ({ text, language }) => codeBlock(text, language),
  quote: ({ lines }, depth) => make('blockquote', ...nested(lines, depth)),
  list: ({ ordered, start, items }, depth) => {
    const list = make(ordered ? 'ol' : 'ul', ...items.map((lines) => item(lines, depth)));
    if (ordered && start !== 1) list.start = start;
    return list;
  },
  table: ({ head, rows }) => {
    const row = (cells, name) => make('tr', ...cells.map((cell) => make(name, ...inline(cell))));
    const table = make('table',
      make('thead', row(head, 'th')),
      make('tbody', ...rows.map((cells) => row(cells, 'td'))));
    const frame = make('div', table); // wide tables scroll, the page does not
    frame.className = 'table';
    return frame;
  },
};

function build(block, depth) {
  return builders[block.type](block, depth);
}

function nested(lines, depth) {
  if (depth >= DEEPEST) return [lines.join('\n')];
  return parse(lines).map((block) => build(block, depth + 1));
}

// item leaves out the paragraph around the first text of an entry, as tight lists do.
function item(lines, depth) {
  const children = nested(lines, depth);
  if (children[0]?.nodeName === 'P') children.splice(0, 1, ...children[0].childNodes);
  return make('li', ...children);
}

function codeBlock(text, language) {
  const code = make('code', text);
  const copy = make('button', texts.copy);
  copy.type = 'button';
  copy.className = 'copy quiet';
  copy.addEventListener('click', async () => {
    if (!await copyText(code)) return;
    copy.textContent = texts.copied;
    setTimeout(() => { copy.textContent = texts.copy; }, 2000);
  });
  const label = make('span', language);
  const bar = make('div', label, copy);
  bar.className = 'bar';
  const pre = make('pre', code);
  pre.tabIndex = 0; // long lines can be scrolled by keyboard
  const frame = make('div', bar, pre);
  frame.className = 'code';
  return frame;
}

// copyText also works without HTTPS, where browsers hide navigator.clipboard.
async function copyText(node) {
  try {
    await navigator.clipboard.writeText(node.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(node);
    return document.execCommand('copy');
  }
}

// The bounds in these patterns keep the work linear, whatever the text.
const rules = [
  { at: /\\([\\`*_{}[\]()#+\-.!~|>])/y, node: ([, sign]) => sign },
  { at: /(`{1,8})(?!`)([^]{0,2000}?[^`])\1(?!`)/y, node: ([, , text]) => make('code', unpadded(text)) },
  // Not within a run of stars: what its later ones could open, the first ones do.
  { at: /(?<!\*\*)\*\*(?=\S)([^]{0,2000}?\S)\*\*(?!\*)/y, node: ([, text], depth) => make('strong', ...inline(text, depth)) },
  { at: /(?<!\w)__(?=\S)([^]{0,2000}?\S)__(?!\w)/y, node: ([, text], depth) => make('strong', ...inline(text, depth)) },
  { at: /\*(?=[^\s*])([^]{0,2000}?[^\s*])\*(?!\*)/y, node: ([, text], depth) => make('em', ...inline(text, depth)) },
  { at: /(?<!\w)_(?=[^\s_])([^]{0,2000}?[^\s_])_(?!\w)/y, node: ([, text], depth) => make('em', ...inline(text, depth)) },
  { at: /~~(?=\S)([^]{0,2000}?\S)~~/y, node: ([, text], depth) => make('del', ...inline(text, depth)) },
  {
    // An image becomes a link: nothing is loaded because a model says so.
    at: /!?\[((?:[^[\]\\]|\\.|\[[^[\]]{0,200}\]){0,500})\]\(\s?<?([^\s()<>]{1,2000}(?:\([^\s()]{0,500}\)[^\s()<>]{0,500})?)>?(?: "[^"]{0,300}")?\s?\)/y,
    node: ([whole, label, address], depth) => link(address, inline(label || address, depth)) ?? whole,
  },
  { at: /(?<!\w)https?:\/\/[^\s<>"'`()[\]\u3000-\u303f\uff00-\uffef]{1,2000}(?<![.,;:!?*_~])/y, node: ([address]) => link(address, [address]) ?? address },
];
// unpadded takes one blank off both ends of a code span, which let it begin or end
// with a backtick.
function unpadded(text) {
  return text.startsWith(' ') && text.endsWith(' ') && text.trim() ? text.slice(1, -1) : text;
}

const SPECIAL = /[\\`*_~![h]/g;

// inline gives the nodes and strings for the text of one block.
function inline(text, depth = 0) {
  if (depth >= DEEPEST) return [text];
  const parts = [];
  let from = 0;
  SPECIAL.lastIndex = 0;
  for (let place = 0; place < text.length;) {
    SPECIAL.lastIndex = place;
    const special = SPECIAL.exec(text);
    if (!special) break;
    const found = match(text, special.index);
    if (!found) {
      place = special.index + 1;
      continue;
    }
    parts.push(text.slice(from, special.index), found.rule.node(found.groups, depth + 1));
    from = place = special.index + found.groups[0].length;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== '');
}

function match(text, place) {
  for (const rule of rules) {
    rule.at.lastIndex = place;
    const groups = rule.at.exec(text);
    if (groups) return { rule, groups };
  }
  return null;
}

// link gives null for an address that is not one to follow.
function link(address, children) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (!SCHEMES.has(url.protocol)) return null;
  const node = make('a', ...children);
  node.href = url.href;
  node.title = url.href; // a label can lie about where it leads
  node.target = '_blank';
  node.rel = 'noopener noreferrer';
  return node;
}
