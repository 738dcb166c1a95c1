import { describe, expect, it } from 'vitest';
import {
  makeClusterId,
  makeSessionId,
  makeVatId,
  USUAL_BOUNDS,
  type Json,
  type VatBounds,
} from '@cooperage/protocol';
import { openMemoryKernelDb } from '../adapters/memory.ts';
import { makeState } from '../store/state.ts';
import type { VatRow } from '../store/vat-schema.ts';
import {
  heard,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import { call } from '../testing/service-stage.ts';
import { subscribe } from '../testing/stage.ts';
import { addQuota } from './vat-admin-quotas.ts';
import type { Policy } from './vat-admin-requests.ts';
import { termsOf, type Terms } from './vat-admin-terms.ts';

const DEADLINE = /deadline is at most (\d+) milliseconds/;

describe('the terms of a vat that another makes', () => {
  it('have no longer deadline than the kernel’s measure, or its administrator’s grant, and never more by attenuating', async () => {
    const mostOf = async (
      grant: Readonly<Record<string, Json>>,
      caveats: readonly Json[] = [],
    ) => {
      const { ask, told, admin, vatNamed } = await makeAdminStage(grant);
      let target = admin;
      for (const each of caveats) {
        const answer = told(await ask(target, 'attenuate', [each]));
        target = answer?.slots[0] ?? '';
      }
      const make = async (name: string, policy: Json) =>
        heard(
          told,
          await ask(target, 'createVat', ['helper', { name, policy }]),
        );
      const refused = problemIn(await make('kid', { deadline: 3_600_000 }));
      const [, most = '0'] = DEADLINE.exec(refused) ?? [];
      await make('kim', { deadline: Number(most) });
      await make('kat', {});
      return [
        Number(most),
        vatNamed('kim')?.deadline,
        vatNamed('kat')?.deadline,
      ];
    };
    expect([
      await mostOf({}),
      await mostOf({ deadline: 60_000 }),
      await mostOf({ deadline: 400 }),
      await mostOf({}, [{ deadline: 60_000 }]),
      await mostOf({ deadline: 60_000 }, [{}, { deadline: 9_000 }]),
      await mostOf({ deadline: 60_000 }, [{ deadline: 300 }, {}]),
    ]).toEqual([
      [5_000, 5_000, null],
      [60_000, 60_000, null],
      [400, 400, 400],
      [5_000, 5_000, null],
      [9_000, 9_000, null],
      [300, 300, 300],
    ]);
  });

  it.each<
    [
      string,
      Readonly<Record<string, Json>>,
      Partial<VatBounds>,
      number | null,
      object,
    ]
  >([
    [
      'are at most those of its maker, where these are narrower than usual',
      {},
      {
        storeBytes: 200_000,
        inboxMessages: 10,
        references: 2_000_000,
        slotsPerMessage: 100,
        logLinesPerSecond: 1_000,
      },
      200_000,
      { inboxMessages: 10, slotsPerMessage: 100 },
    ],
    [
      'are the usual ones where its maker has more than that',
      {},
      { storeBytes: 1_000_000_000, sentUnits: 1_000_000_000 },
      null,
      {},
    ],
    [
      'have the share of the quota for a store where one counts it',
      { bytes: 5_000_000 },
      { storeBytes: 200_000 },
      1_000_000,
      {},
    ],
  ])('%s', async (_what, grant, limits, storeBytes, handedDown) => {
    const { say, root, admin, finish, state, vatNamed } = await makeAdminStage(
      grant,
      { rules: { limits } },
    );
    await say(call(root('alice'), 'take', ['$0'], null, admin));
    await finish(
      'alice',
      call('o-50', 'createVat', ['helper', { name: 'kid' }], 'p+9', 'o-50'),
      subscribe('p+9'),
    );
    await until(() => state.births.size === 0 && vatNamed('kid') !== undefined);
    expect(vatNamed('kid')).toMatchObject({ storeBytes });
    expect(vatNamed('kid')?.limits).toEqual(handedDown);
  });

  it('refuse a larger store than its maker’s own where no quota counts it', async () => {
    const { say, root, admin, finish, flight } = await makeAdminStage(
      {},
      { rules: { limits: { storeBytes: 200_000 } } },
    );
    await say(call(root('alice'), 'take', ['$0'], null, admin));
    const policy = { bytes: 200_001 };
    await finish(
      'alice',
      call(
        'o-50',
        'createVat',
        ['helper', { name: 'k', policy }],
        'p+9',
        'o-50',
      ),
      subscribe('p+9'),
    );
    await until(() => flight('alice')[0] === 'notify');
    expect(JSON.stringify(flight('alice'))).toContain(
      'bytes is at most 200000 where no quota counts them, not 200001',
    );
  });
});

describe('the terms of a vat', () => {
  const usual = { deadline: 1_000, bounds: USUAL_BOUNDS };
  const MAKER = makeVatId(7);
  const own = { storeBytes: 500_000, limits: {} };

  /** Tables with one quota, and a vat that asks. */
  const termsFor = (
    bounds: Partial<Record<'bytes' | 'deadline', number>>,
    policy: Partial<Policy>,
    maker: Partial<VatRow> | null,
  ): Terms => {
    const state = makeState(openMemoryKernelDb());
    state.store.begin();
    const quota = addQuota(state, {
      parent: null,
      cluster: makeClusterId(1),
      vats: null,
      bytes: bounds.bytes ?? null,
      deadline: bounds.deadline ?? null,
      bundles: null,
    });
    if (maker) {
      state.vats.put({ id: MAKER, ...maker } as VatRow);
    }
    return termsOf(state, {
      quota,
      policy: { bytes: null, deadline: null, ...policy } as Policy,
      maker: maker ? MAKER : makeSessionId(1),
      usual,
    });
  };
  const none = { deadline: null, storeBytes: null, limits: {} };

  it.each<[string, ...Parameters<typeof termsFor>, Partial<Terms>]>([
    ['nobody bounds', {}, {}, null, {}],
    [
      'asks for the longest deadline',
      {},
      { deadline: 1_000 },
      null,
      { deadline: 1_000 },
    ],
    ['has a shorter deadline', { deadline: 999 }, {}, null, { deadline: 999 }],
    ['may have the usual deadline', { deadline: 1_000 }, {}, null, {}],
    ['may have a longer one', { deadline: 2_000 }, {}, null, {}],
    [
      'asks for a longer one',
      { deadline: 2_000 },
      { deadline: 2_000 },
      null,
      { deadline: 2_000 },
    ],
    ['has a quota of bytes', { bytes: 9e6 }, {}, null, { storeBytes: 1e6 }],
    [
      'asks for bytes of a quota',
      { bytes: 9e6 },
      { bytes: 2e9 },
      own,
      { storeBytes: 2e9 },
    ],
    [
      'asks for all that is usual',
      {},
      { bytes: USUAL_BOUNDS.storeBytes },
      null,
      { storeBytes: USUAL_BOUNDS.storeBytes },
    ],
    ['has a narrower maker', {}, {}, own, { storeBytes: 500_000 }],
    [
      'asks for what its maker has',
      {},
      { bytes: 500_000 },
      own,
      { storeBytes: 500_000 },
    ],
    [
      'has a maker with the usual store',
      {},
      {},
      { ...own, storeBytes: USUAL_BOUNDS.storeBytes },
      {},
    ],
    [
      'has a maker that says less of some, and more of others',
      {},
      {},
      {
        storeBytes: null,
        limits: {
          storeBytes: 1,
          inboxMessages: 1,
          promises: USUAL_BOUNDS.promises,
          references: USUAL_BOUNDS.references + 1,
        },
      },
      { limits: { inboxMessages: 1 } },
    ],
  ])('that %s', (_what, bounds, policy, maker, wanted) => {
    expect(termsFor(bounds, policy, maker)).toEqual({ ...none, ...wanted });
  });

  it.each<[string, ...Parameters<typeof termsFor>]>([
    [
      'policy: deadline is at most 1000 milliseconds for this administrator, not 1001',
      {},
      { deadline: 1_001 },
      null,
    ],
    [
      'policy: bytes is at most 500000 where no quota counts them, not 500001',
      {},
      { bytes: 500_001 },
      own,
    ],
    [
      `policy: bytes is at most ${USUAL_BOUNDS.storeBytes} where no quota counts them, not 300000000`,
      {},
      { bytes: 3e8 },
      null,
    ],
  ])('are refused in words: %s', (message, bounds, policy, maker) => {
    expect(() => termsFor(bounds, policy, maker)).toThrow(
      expect.objectContaining({ name: 'RangeError', message }),
    );
  });
});
