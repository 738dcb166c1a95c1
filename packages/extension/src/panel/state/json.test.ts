import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from './json.ts';

test.each([
  ['', 'the text ends where a value is expected', 1, 1],
  ['[1, ]', `"]" can't begin a value`, 1, 5],
  ['[1 2]', 'a list goes on with , or ends with ]', 1, 4],
  ['{"a" 1}', 'after the field name "a" a : is expected', 1, 6],
  ['{a: 1}', 'a field name in " is expected', 1, 2],
  [
    '[\n  hello\n]',
    'hello is not JSON; text needs double quotes: "hello"',
    2,
    3,
  ],
  ['["a]', 'this text has no closing " or holds a bad escape', 1, 2],
  ['[] []', 'nothing may follow the value', 1, 4],
])('says where %j is wrong', (text, problem, line, column) => {
  expect(parseJson(text)).toMatchObject({ ok: false, problem, line, column });
});

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
    }),
  );
});

test('refuses what JSON.parse refuses', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'[]{},:"\\ 1e-.tnul') }),
      text => {
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        expect(parseJson(text).ok).toBe(isJson);
      },
    ),
    { numRuns: 1000 },
  );
});
