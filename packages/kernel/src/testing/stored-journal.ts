import { contentOf, textOf } from './durable-content.ts';
import type { Entry } from './journal.ts';

/** The entry as a line; what a commit has brought is what it began with, and is not said again. */
export const lineOf = (entry: Entry): string => {
  const { kind } = entry;
  switch (kind) {
    case 'begins':
      return JSON.stringify({ kind, text: textOf(entry.content) });
    case 'committed':
      return JSON.stringify({ kind });
    default:
      return JSON.stringify(entry);
  }
};

/** The entries of a text to which lines were written one by one; of the last one, if it has no end, it is as if it had not been. */
export const entriesIn = (text: string): Entry[] => {
  const entries: Entry[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const found = JSON.parse(line);
    if (found.kind === 'begins') {
      entries.push({ kind: 'begins', content: contentOf(found.text) });
    } else if (found.kind === 'committed') {
      const begun = entries.findLast(({ kind }) => kind === 'begins');
      if (begun && 'content' in begun) {
        entries.push({ ...begun, kind: 'committed' });
      }
    } else {
      entries.push(found);
    }
  }
  return entries;
};
