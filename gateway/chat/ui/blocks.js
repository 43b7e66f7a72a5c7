// The block structure of Markdown: lines in, plain objects out. It knows what
// models write (a useful part of CommonMark and GitHub's tables), not all of it.

// None of these patterns can be made to backtrack far: the text may be hostile. So
// nothing that repeats is followed by what may match the same characters.
const FENCE = /^ {0,3}(`{3,50}|~{3,50})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})[ \t](.*)$/;
const RULE = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ENTRY = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}|\t|$)(.*)$/;
const DELIMITER = /^:?-+:?$/; // one cell of the line below a table's head

// parse gives the blocks in lines, each {type, …}.
export function parse(lines) {
  const blocks = [];
  for (let i = 0; i < lines.length;) {
    if (!lines[i].trim()) {
      i++;
      continue;
    }
    const [block, next] = take(lines, i);
    blocks.push(block);
    i = next;
  }
  return blocks;
}

// take reads the block that begins at line i, and says where the next may begin.
function take(lines, i) {
  const line = lines[i];
  const fence = FENCE.exec(line);
  if (fence) return takeCode(lines, i, fence);
  const heading = HEADING.exec(line);
  if (heading) return [{ type: 'heading', level: heading[1].length, text: heading[2].trim().replace(/ #+$/, '') }, i + 1];
  if (RULE.test(line)) return [{ type: 'rule' }, i + 1];
  if (QUOTE.test(line)) return takeQuote(lines, i);
  if (ENTRY.test(line)) return takeList(lines, i);
  if (startsTable(lines, i)) return takeTable(lines, i);
  return takeParagraph(lines, i);
}

// takeCode reads up to the closing fence, or to the end: a stream may not be there yet.
function takeCode(lines, i, [opening, fence, info]) {
  const [language] = info.trim().split(/\s/, 1);
  const indent = opening.search(/\S/);
  const closing = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
  const text = [];
  for (i++; i < lines.length && !closing.test(lines[i]); i++) text.push(dedent(lines[i], indent));
  return [{ type: 'code', language, text: text.join('\n') }, i + 1];
}

function takeQuote(lines, i) {
  const inner = [];
  for (; i < lines.length && QUOTE.test(lines[i]); i++) inner.push(lines[i].replace(QUOTE, ''));
  return [{ type: 'quote', lines: inner }, i];
}

// takeList reads entries of one kind. What is indented below an entry belongs to it.
function takeList(lines, i) {
  const [, , firstMark] = ENTRY.exec(lines[i]);
  const ordered = /\d/.test(firstMark);
  const items = [];
  let width = 0;
  for (; i < lines.length; i++) {
    const entry = ENTRY.exec(lines[i]);
    const inside = items.length > 0 && lines[i].search(/\S/) >= width;
    if (entry && !inside && !RULE.test(lines[i])) {
      const [, indent, mark, gap, text] = entry;
      if (/\d/.test(mark) !== ordered) break;
      // Models often indent by two below "1. ", where CommonMark wants three.
      width = indent.length + (ordered ? 2 : mark.length + Math.max(1, Math.min(gap.length, 2)));
      items.push([text]);
    } else if (!lines[i].trim()) {
      items.at(-1).push('');
    } else if (inside) {
      items.at(-1).push(dedent(lines[i], ordered ? Math.max(width, Math.min(lines[i].search(/\S/), 3)) : width));
    } else if (items.at(-1).at(-1) !== '' && !startsBlock(lines[i])) {
      items.at(-1).push(lines[i].trim()); // a paragraph that runs on
    } else {
      break;
    }
  }
  return [{ type: 'list', ordered, start: ordered ? parseInt(firstMark, 10) : 1, items }, i];
}

function startsTable(lines, i) {
  if (!lines[i].includes('|') || i + 1 >= lines.length) return false;
  const delimiters = cells(lines[i + 1]);
  return delimiters.every((cell) => DELIMITER.test(cell)) && cells(lines[i]).length === delimiters.length;
}

function takeTable(lines, i) {
  const head = cells(lines[i]);
  const rows = [];
  for (i += 2; i < lines.length && lines[i].includes('|'); i++) {
    const row = cells(lines[i]);
    rows.push(head.map((_, column) => row[column] ?? ''));
  }
  return [{ type: 'table', head, rows }, i];
}

function cells(line) {
  return line.trim().replace(/^\|/, '').replace(/(?<!\\)\|$/, '').split(/(?<!\\)\|/).map((cell) => cell.trim());
}

function takeParagraph(lines, i) {
  const text = [lines[i].trim()];
  for (i++; i < lines.length && lines[i].trim() && !startsBlock(lines[i]) && !startsTable(lines, i); i++) {
    text.push(lines[i].trim());
  }
  return [{ type: 'paragraph', text: text.join('\n') }, i];
}

function startsBlock(line) {
  return [FENCE, HEADING, RULE, QUOTE, ENTRY].some((pattern) => pattern.test(line));
}

function dedent(line, width) {
  return line.slice(Math.min(width, Math.max(0, line.search(/\S|$/))));
}
