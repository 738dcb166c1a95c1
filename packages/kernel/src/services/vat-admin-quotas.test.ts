import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeClusterId } from '@cooperage/protocol';
import { openMemoryKernelDb } from '../adapters/memory.ts';
import { makeState, type State } from '../store/state.ts';
import {
  addQuota,
  bytesLeftOf,
  giveQuotaBack,
  isCodeAllowed,
  letGoOfQuota,
  mostDeadlineOf,
  problemOfMore,
  quotasUpFrom,
  takeQuota,
} from './vat-admin-quotas.ts';

const CLUSTER = makeClusterId(1);

const makeTables = () => {
  const state = makeState(openMemoryKernelDb());
  const run = <Result>(work: () => Result): Result => {
    state.store.begin();
    const result = work();
    state.store.keep();
    return result;
  };
  return { state, run };
};

type Bounds = {
  vats: number | null;
  bytes: number | null;
  deadline?: number | null;
};
const add = (
  state: State,
  parent: number | null,
  { vats, bytes, deadline = null }: Bounds,
  bundles: readonly string[] | null = null,
): number =>
  addQuota(state, {
    parent,
    cluster: CLUSTER,
    vats,
    bytes,
    bundles,
    deadline,
  });

describe('a quota', () => {
  it('without bounds has always room, and says so of one with bounds in words', () => {
    const { state, run } = makeTables();
    const none = run(() => add(state, null, { vats: null, bytes: null }));
    const some = run(() => add(state, none, { vats: 2, bytes: 1_000 }));
    const problems = (bytes: number | null) =>
      [none, some].map(id => problemOfMore(state, id, { bytes }));
    expect([problems(null), problems(1_000), problems(1_001)]).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      [
        undefined,
        'of the quota of 1000 bytes 1000 are left, and a store of 1001 was asked for',
      ],
    ]);
    expect([none, some].map(id => bytesLeftOf(state, id))).toEqual([
      null,
      1_000,
    ]);
    run(() => takeQuota(state, some, { bytes: 600 }));
    run(() => takeQuota(state, some, { bytes: null }));
    expect(problems(null)).toEqual([
      undefined,
      'the quota of 2 vats is used up',
    ]);
    expect(bytesLeftOf(state, some)).toBe(400);
  });

  it('is bounded by all that it narrows, and gives room back', () => {
    const { state, run } = makeTables();
    const outer = run(() => add(state, null, { vats: 2, bytes: 1_000 }));
    const wide = run(() => add(state, outer, { vats: 9, bytes: null }));
    const narrow = run(() => add(state, outer, { vats: 1, bytes: 100 }));
    const share = { bytes: 600 };
    run(() => takeQuota(state, wide, share));
    expect([
      bytesLeftOf(state, wide),
      bytesLeftOf(state, narrow),
      problemOfMore(state, wide, share),
      problemOfMore(state, narrow, { bytes: 101 }),
      problemOfMore(state, narrow, { bytes: 100 }),
    ]).toEqual([
      400,
      100,
      'of the quota of 1000 bytes 400 are left, and a store of 600 was asked for',
      'of the quota of 100 bytes 100 are left, and a store of 101 was asked for',
      undefined,
    ]);
    run(() => takeQuota(state, narrow, { bytes: 100 }));
    expect(problemOfMore(state, wide, { bytes: 1 })).toBe(
      'the quota of 2 vats is used up',
    );
    run(() => giveQuotaBack(state, narrow, { bytes: 100 }));
    expect(problemOfMore(state, wide, { bytes: 400 })).toBe(undefined);
  });

  it('allows a deadline that each of them allows, and the kernel’s measure where a config says nothing', () => {
    const { state, run } = makeTables();
    const none = { vats: null, bytes: null };
    const plain = run(() => add(state, null, none));
    const wider = run(() => add(state, plain, { ...none, deadline: 9_000 }));
    const granted = run(() => add(state, null, { ...none, deadline: 60_000 }));
    const free = run(() => add(state, granted, none));
    const narrow = run(() => add(state, free, { ...none, deadline: 300 }));
    expect(
      [plain, wider, granted, free, narrow].map(id =>
        mostDeadlineOf(state, id, 5_000),
      ),
    ).toEqual([5_000, 5_000, 60_000, 60_000, 300]);
  });

  it('allows the code that each of them allows', () => {
    const { state, run } = makeTables();
    const none = { vats: null, bytes: null };
    const outer = run(() => add(state, null, none, ['a', 'b']));
    const inner = run(() => add(state, outer, none, ['b', 'c']));
    const free = run(() => add(state, outer, none));
    expect(
      ['a', 'b', 'c'].map(hash =>
        [outer, inner, free].map(id => isCodeAllowed(state, id, hash)),
      ),
    ).toEqual([
      [true, false, true],
      [true, true, true],
      [false, false, false],
    ]);
  });

  it('is never exceeded nor lost, and its row goes when nothing counts on it', () => {
    const bound = fc.option(fc.nat(4));
    const step = fc.record({
      deed: fc.constantFrom('add', 'take', 'take', 'giveBack', 'letGo'),
      which: fc.nat(),
      vats: bound,
      bytes: bound,
      share: fc.option(fc.nat(3)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const { state, run } = makeTables();
        const vats: { quota: number; bytes: number | null }[] = [];
        const held: number[] = [
          run(() => add(state, null, { vats: 4, bytes: 6 })),
        ];
        const parents = new Map<number, number | null>(
          held.map(id => [id, null]),
        );
        for (const { deed, which, share, ...bounds } of steps) {
          const quota = held[which % Math.max(1, held.length)];
          const vat = vats[which % Math.max(1, vats.length)];
          if (deed === 'add' && quota !== undefined) {
            const made = run(() => add(state, quota, bounds));
            held.push(made);
            parents.set(made, quota);
          } else if (deed === 'take' && quota !== undefined) {
            if (problemOfMore(state, quota, { bytes: share }) === undefined) {
              run(() => takeQuota(state, quota, { bytes: share }));
              vats.push({ quota, bytes: share });
            }
          } else if (deed === 'giveBack' && vat) {
            run(() => giveQuotaBack(state, vat.quota, vat));
            vats.splice(vats.indexOf(vat), 1);
          } else if (deed === 'letGo' && quota !== undefined) {
            run(() => letGoOfQuota(state, quota));
            held.splice(held.indexOf(quota), 1);
          }
          const expected = new Map<number, { vats: number; bytes: number }>();
          const upFrom = (
            id: number | null,
            vatsUsed: number,
            bytes: number,
          ) => {
            for (let at = id; at !== null; at = parents.get(at) ?? null) {
              const now = expected.get(at) ?? { vats: 0, bytes: 0 };
              expected.set(at, {
                vats: now.vats + vatsUsed,
                bytes: now.bytes + bytes,
              });
            }
          };
          held.forEach(id => upFrom(id, 0, 0));
          vats.forEach(each => upFrom(each.quota, 1, each.bytes ?? 0));
          expect(
            new Map(
              [...state.quotas.values()].map(row => [
                row.id,
                { vats: row.vatsUsed, bytes: row.bytesUsed },
              ]),
            ),
          ).toEqual(expected);
          for (const { id } of state.quotas.values()) {
            for (const row of quotasUpFrom(state, id)) {
              expect(row.vatsUsed).toBeLessThanOrEqual(row.vats ?? Infinity);
              expect(row.bytesUsed).toBeLessThanOrEqual(row.bytes ?? Infinity);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
