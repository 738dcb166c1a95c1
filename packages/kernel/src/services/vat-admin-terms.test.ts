import { describe, expect, it } from 'vitest';
import type { Json, VatBounds } from '@cooperage/protocol';
import {
  heard,
  makeAdminStage,
  problemIn,
  until,
} from '../testing/admin-stage.ts';
import { call } from '../testing/service-stage.ts';
import { subscribe } from '../testing/stage.ts';

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
