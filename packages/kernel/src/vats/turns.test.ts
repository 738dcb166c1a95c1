import { expect, it } from 'vitest';
import { makeTurns } from './turns.ts';

it('begins at most so many at once, the others in order as turns are given back, and none that gave up', () => {
  const turns = makeTurns(2);
  const begun: string[] = [];
  const take = (name: string) => turns.take(() => begun.push(name));
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
