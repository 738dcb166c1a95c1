import { describe, expect, it } from 'vitest';
import {
  makeClusterId,
  makeVatId,
  PROTOCOL_VERSION,
  type Kref,
} from '@cooperage/protocol';
import { mostsOf } from './bounds.ts';
import { makePhase } from './phase.ts';
import { makeStatus } from './status.ts';
import { makeRandomTables } from './testing/random-tables.ts';

const ALICE = makeVatId(1);

const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  const phase = makePhase();
  const counts = { launches: [], sessions: 3, cranks: 4 };
  const status = (
    options: Partial<Parameters<typeof makeStatus>[1]> = {},
  ): ReturnType<typeof makeStatus> =>
    makeStatus(state, {
      phase,
      clusters: { vatsOf: ({ id }) => state.vatsByCluster.values(id) },
      runner: { vatState: () => 'running' },
      inbox: parts.inbox,
      isPaused: false,
      counters: { commits: 5, statements: 6, rows: 7, bytes: 8 },
      room: undefined,
      mosts: mostsOf({ mostClusters: 9 }),
      ...counts,
      ...options,
    });
  return { state, parts, phase, status, counts };
};

describe('the status of a kernel', () => {
  it('has its clusters with their vats, its home, and what is counted', () => {
    const { state, parts, status, counts } = setScene();
    const root = state.vats.get(ALICE)?.root;
    parts.run(() =>
      parts.inbox.deliverTo(ALICE, {
        target: root as Kref,
        methargs: { body: '', slots: [] },
        result: null,
        sender: null,
      }),
    );
    const now = status();
    expect(now).toEqual({
      state: 'running',
      version: PROTOCOL_VERSION,
      clusters: [
        {
          id: 'c1',
          name: 'demo',
          bootstrap: 'alice',
          services: [],
          vats: expect.anything(),
        },
      ],
      home: [],
      ...counts,
      limits: [
        { limit: 'clusters', now: 1, most: 9 },
        { limit: 'sessions', now: 3, most: 1_000 },
        { limit: 'homeNames', now: 0, most: 1_000 },
        { limit: 'bundles', now: 0, most: 1_000 },
      ],
      commits: 5,
      sql: { statements: 6, rows: 7, bytes: 8 },
    });
    expect(now.clusters[0]?.vats).toHaveLength(3);
    expect(now.clusters[0]?.vats[0]).toEqual({
      id: ALICE,
      name: 'alice',
      state: 'running',
      incarnation: 1,
      bundleHash: '',
      root,
      waiting: 1,
    });
  });

  it('says what there is to remark on', () => {
    const { state, parts, status } = setScene();
    const row = state.vats.get(ALICE);
    const cluster = state.clusters.get(makeClusterId(1));
    const room = { used: 1, left: 2, level: 'ample' as const };
    const remarksWhen = (some: Partial<NonNullable<typeof row>>) =>
      parts.rehearse(() => {
        if (row) {
          state.vats.put({ ...row, ...some });
        }
        const [vat] = status().clusters[0]?.vats ?? [];
        const { reason, stoppedBy, isCritical, eviction } = vat ?? {};
        return { reason, stoppedBy, isCritical, eviction };
      });
    const none = {
      reason: undefined,
      stoppedBy: undefined,
      isCritical: undefined,
      eviction: undefined,
    };
    expect(remarksWhen({})).toEqual(none);
    expect(remarksWhen({ failure: 'it throws', suspension: 'x' })).toEqual({
      ...none,
      reason: 'it throws',
    });
    expect(
      remarksWhen({ suspension: 'too slow', stoppedBy: 'person' }),
    ).toEqual({ ...none, reason: 'too slow', stoppedBy: 'person' });
    expect(remarksWhen({ critical: 1, eviction: 'any' })).toEqual({
      ...none,
      isCritical: true,
      eviction: 'any',
    });
    parts.rehearse(() => {
      if (cluster) {
        state.clusters.put({ ...cluster, bootstrapProblem: 'no luck' });
      }
      state.ended.put({
        number: 1,
        id: makeVatId(7),
        cluster: 'demo',
        name: 'kid',
        incarnation: 1,
        reason: 'done',
        at: 9,
      });
      state.home.put({ name: 'kept', kref: 'ko1' as Kref });
      expect(status({ isPaused: true, room })).toMatchObject({
        isPaused: true,
        room,
        clusters: [{ bootstrapProblem: 'no luck' }],
        ended: [{ id: 'v7', reason: 'done' }],
        home: [{ name: 'kept', kref: 'ko1' }],
      });
    });
  });

  it('is of a kernel that has failed why, and nothing of its tables', () => {
    const { phase, status } = setScene();
    const launch = { id: 1, name: 'x', state: 'done' as const, steps: [] };
    phase.end('failed', Error('a defect'));
    const { clusters, state, reason, launches } = status({
      launches: [launch],
    });
    expect({ clusters, state, reason, launches }).toEqual({
      clusters: [],
      state: 'failed',
      reason: 'a defect',
      launches: [launch],
    });
  });
});
