import { describe, expect, it } from 'vitest';
import { describeThrown, formatLine } from './format-value.ts';

const circular: Record<string, unknown> = { name: 'c' };
circular['self'] = circular;

describe('a line of the log', () => {
  it.each([
    [
      ['a', 1, -0, 2n, null, undefined, true, Symbol('s')],
      'a 1 -0 2n null undefined true Symbol(s)',
    ],
    [[{ a: 'x', b: [1, { c: [] }] }], '{ a: "x", b: [ 1, { c: [] } ] }'],
    [[circular], '{ name: "c", self: [circular] }'],
    [[[[[[[1]]]]]], '[ [ [ [ […] ] ] ] ]'],
    [
      [Promise.resolve(), () => 1, TypeError('no')],
      '[Promise] [function ] TypeError: no',
    ],
  ])('shows %o', (parts, text) => {
    expect(formatLine(parts, 200)).toBe(text);
  });

  it('is cut at its bound, whatever the value holds', () => {
    const huge = Array.from({ length: 40 }, () => 'z'.repeat(1000));
    expect(formatLine([huge], 100)).toBe(`[ "${'z'.repeat(97)}…`);
  });

  it('survives values that throw when they are read', () => {
    const trap = new Proxy(
      {},
      {
        ownKeys: () => {
          throw Error('trap');
        },
        get: () => {
          throw Error('trap');
        },
        getPrototypeOf: () => {
          throw Error('trap');
        },
      },
    );
    expect(formatLine(['x', trap, 'y'], 100)).toBe('x [unreadable] y');
    expect(describeThrown(trap)).toBe('an error that cannot be read');
  });
});
