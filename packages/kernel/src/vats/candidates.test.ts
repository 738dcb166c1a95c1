import { describe, expect, it } from 'vitest';
import { USUAL_BOUNDS, type BundleHash } from '@cooperage/protocol';
import { openMemoryKernelDb, openMemoryVatStores } from '../adapters/memory.ts';
import { makeCrankParts } from '../crank.ts';
import { makeState } from '../store/state.ts';
import type { Deed } from '../testing/raw-vats.ts';
import { makeRig } from '../testing/rig.ts';
import { settle } from '../testing/stage.ts';
import { makeWorkerScene } from '../testing/worker-scene.ts';
import { makeCandidates, type Newcomer } from './candidates.ts';
import { makeTellStart } from './start.ts';
import { makeStoreBounds } from './store-bounds.ts';
import { makeWorkers } from './workers.ts';

/** Newcomers whose starts are held, without a kernel. */
const setScene = () => {
  const scene = makeWorkerScene({
    begin: label =>
      label === 'unloadable' ? { failed: 'no module' } : 'ready',
  });
  const { clock, told, name } = scene;
  const state = makeState(openMemoryKernelDb());
  const parts = makeCrankParts(state, {
    bounds: {
      usual: USUAL_BOUNDS,
      mostUnits: Infinity,
      roundMessages: Infinity,
      notifiesTogether: 50,
    },
    onArrival: () => {},
    onExit: () => {},
    clearedPerCrank: 3,
    afterCrank: () => {},
  });
  const candidates = makeCandidates(state, {
    parts,
    clock,
    workers: makeWorkers(scene.powers),
    bounds: makeStoreBounds(state, {
      stores: openMemoryVatStores(),
      usual: 100,
    }),
    tellStart: makeTellStart({}),
    pump: () => told.push(['pump']),
    mayBegin: () => true,
    blame: () => {},
  });
  const start = async (label: string, onFailed = (): void => {}) => {
    const newcomer: Newcomer = {
      id: name(label).vat,
      name: label,
      endowments: [],
      deadline: null,
      onFault: 'suspend',
      critical: false,
      eviction: 'never',
      limits: {},
      storeBytes: null,
      code: { hash: 'hash' as BundleHash, text: '' },
      parameters: { body: '#null', slots: [] },
    };
    const candidate = candidates.startNew(
      { newcomer, party: 'all' },
      {
        onHeld: () => told.push([label, 'held']),
        onFailed: (problem, cause) => {
          told.push([label, 'failed', problem, cause]);
          onFailed();
        },
      },
    );
    await settle();
    return candidate;
  };
  return { ...scene, candidates, start };
};

describe('a start that is held', () => {
  it('fails when its worker is lost after that, and never once it was ended', async () => {
    const { start, raw, told, candidates, living } = setScene();
    const held = await start('held', () => other.kill());
    const other = await start('other');
    raw.get('held').finish();
    await settle();
    expect(held.done()?.outcome).toEqual({ ok: true });
    raw.get('other').lose('no memory', 'host');
    expect(told).toEqual([
      ['held', 'held'],
      ['pump'],
      ['held', 'failed', 'no memory', 'host'],
      ['pump'],
    ]);
    expect(living()).toEqual([]);
    expect(candidates.line.isAtWork()).toBe(false);
  });

  it('fails when its code does, or when it does, or when what it stores is too much', async () => {
    const { start, raw, told, living } = setScene();
    await start('unloadable');
    expect(told.splice(0)).toEqual([
      ['unloadable', 'failed', 'no module', undefined],
      ['pump'],
    ]);
    const finish = async (label: string, deed: Deed) => {
      await start(label);
      raw.get(label).finish(deed);
      await settle();
      return told.splice(0);
    };
    expect(
      await finish('thrower', { outcome: { ok: false, problem: 'no luck' } }),
    ).toEqual([['thrower', 'failed', 'no luck', undefined], ['pump']]);
    expect(
      await finish('hoarder', { changes: [['key', 'x'.repeat(100)]] }),
    ).toMatchObject([
      ['hoarder', 'failed', expect.any(String), undefined],
      ['pump'],
    ]);
    expect(living()).toEqual([]);
  });

  it('has an empty store, and what it writes is there for the next heap', async () => {
    const rig = makeRig(([kind]) =>
      kind === 'startVat' ? { changes: [['key', 'value']] } : {},
    );
    await rig.launch('demo', ['alice']);
    expect([...rig.vats.get('alice').store]).toEqual([]);
    const { rpc } = await rig.connect();
    await rpc.call('restart', { cluster: 'demo' });
    await rig.kernel.idle();
    expect([...rig.vats.get('alice').store]).toEqual([['key', 'value']]);
    await rig.kernel.stop();
  });
});
