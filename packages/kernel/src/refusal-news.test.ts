import { expect, it } from 'vitest';
import { makeSessionId, makeVatId } from '@cooperage/protocol';
import { makeRefusalNews } from './refusal-news.ts';

it('what was refused is told in a line for each endpoint and turn', () => {
  const lines: string[] = [];
  const news = makeRefusalNews({
    say: (vat, level, text) => lines.push(`${vat} ${level} ${text}`),
    write: (label, level, text) => lines.push(`${label} ${level} ${text}`),
  });
  news.note(makeVatId(1), 'too long');
  news.note(makeSessionId(2), 'too much');
  news.note(makeSessionId(2), 'too many');
  news.tell();
  news.tell();
  expect(lines).toEqual([
    'v1 warn refused: too long',
    'session s2 warn 2 messages or answers were refused; the last one: too many',
  ]);
  news.note(makeVatId(1), 'again');
  news.tell();
  expect(lines.slice(2)).toEqual(['v1 warn refused: again']);
});
