import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StreamError } from './errors.ts';
import { makeStreamPair } from './stream-pair.ts';

const RUNS = 1_000;

const emptyOf = (length: number): unknown[] => {
  const list: unknown[] = [];
  list.length = length;
  return list;
};

const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    NaN,
    2 ** 53,
    10n,
    '',
    'x'.repeat(5_000),
  ),
  fc
    .constantFrom(
      () => ({}),
      () => emptyOf(2 ** 32 - 1),
      () => emptyOf(3),
      () => JSON.parse('{"__proto__":{"ack":1}}'),
      () => new Map([['ack', 1]]),
      () => new Error('an error'),
      () => new Uint8Array(4),
    )
    .map(make => make()),
);

const maybeJunk = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: junk });

/** All that one side may post, right or wrong. */
const frame: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: fc.array(junk, { minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom([], emptyOf(4_096), emptyOf(4_097)) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        close: maybeJunk(
          fc.record({
            name: maybeJunk(fc.constant('Error')),
            message: maybeJunk(fc.constant('so long')),
            code: maybeJunk(fc.constant('X')),
            data: junk,
          }),
        ),
        ack: maybeJunk(fc.integer({ min: 1, max: 3 })),
        window: maybeJunk(fc.integer({ min: 1, max: 3 })),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: junk },
);

const isCount = (value: unknown): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

/** Whatever has been said before, this may never be posted. A goodbye is judged by others. */
const isBreach = (frame: unknown): boolean => {
  if (Array.isArray(frame)) {
    return frame.length === 0 || frame.length > 4_096;
  }
  if (typeof frame !== 'object' || frame === null) {
    return true;
  }
  const said = new Map<string, unknown>(Object.entries(frame));
  if (said.has('close')) {
    return false;
  }
  return !isCount(said.has('ack') ? said.get('ack') : said.get('window'));
};

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn += 1) await undefined;
};

it('whatever frames arrive, each message in them is heard in its place, and the first breach closes the stream, with a reason and for good', async () => {
  const seen = { closed: 0, breached: 0, messages: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 8 }),
      fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      async (frames, window) => {
        const pair = makeStreamPair(
          window === undefined ? {} : { right: { window } },
        );
        const heard: unknown[] = [];
        const ends: unknown[] = [];
        pair.right.receive(
          message => heard.push(message),
          reason => ends.push(reason),
        );
        pair.right.send('one');
        pair.right.send('two');
        const messages: unknown[] = [];
        let isOpen = true;
        for (const each of frames) {
          const before = heard.length;
          pair.postRaw(each);
          await settle();
          if (isOpen && isBreach(each)) {
            expect(ends).toEqual([expect.any(StreamError)]);
          }
          if (!isOpen) {
            expect(heard).toHaveLength(before);
          } else if (heard.length > before) {
            messages.push(...(each as unknown[]));
          }
          isOpen = ends.length === 0;
        }
        expect(heard).toHaveLength(messages.length);
        expect(ends.length).toBe(isOpen ? 0 : 1);
        const [reason] = ends;
        if (reason !== undefined) {
          expect(reason).toBeInstanceOf(StreamError);
          seen.breached += 1;
        }
        seen.closed += ends.length;
        seen.messages += heard.length;
        pair.right.close();
      },
    ),
    { numRuns: RUNS },
  );
  expect(seen.closed).toBeGreaterThan(RUNS / 4);
  expect(seen.breached).toBeGreaterThan(RUNS / 4);
  expect(seen.messages).toBeGreaterThan(RUNS);
}, 240_000);
