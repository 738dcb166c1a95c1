import { expect, it } from 'vitest';
import { makeClusterId, makeVatId, type Vref } from '@cooperage/protocol';
import { makeRandomTables } from './testing/random-tables.ts';

const [DEMO, NONE] = [makeClusterId(1), makeClusterId(9)];

/** A promise of alice's, and what the cluster's row says of its bootstrap. */
const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  const answer = parts.run(() =>
    parts.clists.addExport(makeVatId(1), 'p+1' as Vref),
  );
  return {
    parts,
    answer,
    refs: () => parts.promises.get(answer).refs,
    row: () => {
      const { bootstrapResult, bootstrapProblem } =
        state.clusters.get(DEMO) ?? {};
      return [bootstrapResult, bootstrapProblem];
    },
    settle: (isRejected: boolean, body: string) =>
      parts.run(() =>
        parts.promises.resolve(answer, isRejected, { body, slots: [] }),
      ),
    release: () =>
      parts.run(() => {
        const row = state.clusters.get(DEMO);
        if (row) {
          parts.bootstraps.release(row);
        }
      }),
  };
};

it.each([
  ['fulfilled', false, '#1', null],
  ['rejected', true, '#{"#error":"no","name":"Error"}', 'no'],
])(
  'the answer to a bootstrap is held by its cluster until it is %s, and a problem is kept',
  (_how, isRejected, body, problem) => {
    const { parts, answer, refs, row, settle, release } = setScene();
    expect(refs()).toBe(1);
    parts.run(() => parts.bootstraps.expect(DEMO, answer));
    expect([refs(), row()]).toEqual([2, [answer, null]]);
    settle(isRejected, body);
    expect([refs(), row()]).toEqual([1, [null, problem]]);
    release(); // nothing any more
    expect(refs()).toBe(1);
  },
);

it('the answer to a bootstrap is let go with its cluster, and not held for one that is not there', () => {
  const { parts, answer, refs, release } = setScene();
  parts.run(() => parts.bootstraps.expect(NONE, answer));
  expect(refs()).toBe(1);
  parts.run(() => parts.bootstraps.expect(DEMO, answer));
  release();
  expect(refs()).toBe(1);
});
