import { expect, it } from 'vitest';
import { makeTurns } from './turns.ts';

it('begins at most so many at once, the others in order as turns are given back, and none that gave up', () => {
  const turns = makeTurns(2);
  const begun: string[] = [];
  const take = (name: string) => turns.take('all', () => begun.push(name));
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(take);
  take('e');
  take('f');
  expect(begun).toEqual(['a', 'b']);
  d?.();
  a?.();
  a?.();
  expect(begun).toEqual(['a', 'b', 'c']);
  b?.();
  expect(begun).toEqual(['a', 'b', 'c', 'e']);
  turns.close();
  c?.();
  expect(begun).toEqual(['a', 'b', 'c', 'e']);
});

it('lets parties take turns, so that one of a small party waits for one of each other at most', () => {
  const turns = makeTurns(1);
  const begun: string[] = [];
  const take = (name: string) =>
    turns.take(name.slice(0, 1), () => begun.push(name));
  const ends = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2'].map(take);
  ends[1]?.(); // wants it no more: its party has had no turn for it
  for (const nth of [0, 2, 4, 5, 3, 6]) {
    ends[nth]?.();
  }
  expect(begun).toEqual(['a1', 'a3', 'b1', 'c1', 'a4', 'c2']);
});
