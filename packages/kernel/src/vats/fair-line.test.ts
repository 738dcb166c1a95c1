import { expect, it } from 'vitest';
import { makeFairLine } from './fair-line.ts';

it('parties take turns, however many of one wait', () => {
  const line = makeFairLine<string>();
  expect([line.first(), line.all()]).toEqual([undefined, []]);
  ['a1', 'a2', 'a3', 'b1', 'c1'].forEach(item => line.add(item[0] ?? '', item));
  const turns: string[] = [];
  for (let next = line.first(); next; next = line.first()) {
    turns.push(next);
    line.take(next[0] ?? '', next);
  }
  expect(turns).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
});

it('who leaves the line has had no turn, and what is not in it changes nothing', () => {
  const line = makeFairLine<string>();
  ['a1', 'a2', 'a3', 'b1'].forEach(item => line.add(item[0] ?? '', item));
  line.remove('a', 'a1');
  expect(line.first()).toBe('a2');
  line.take('a', 'gone');
  line.take('nobody', 'gone');
  expect(line.all()).toEqual(['a2', 'a3', 'b1']);
  line.remove('b', 'b1');
  line.add('b', 'b2');
  expect(line.all()).toEqual(['a2', 'a3', 'b2']);
  line.clear();
  expect(line.first()).toBe(undefined);
});
