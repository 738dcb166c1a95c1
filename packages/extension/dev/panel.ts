/** The panel with a fake kernel behind it; `?scene=` chooses what it shows. Served by vite, never shipped. */
import '../src/panel/panel.css';
import {
  makeClusterId,
  makeKref,
  makeVatId,
  type ClusterStatus,
  type KernelStatus,
  type LaunchStatus,
  type VatStatus,
  type Vref,
} from '@cooperage/protocol';
import { mountPanel } from '../src/panel/mount.tsx';
import { makeFakeKernel } from '../src/panel/testing/fake-kernel.ts';

const scene = new URL(location.href).searchParams.get('scene') ?? 'running';

const vat = (
  index: number,
  name: string,
  more: Partial<VatStatus> = {},
): VatStatus => ({
  id: makeVatId(index),
  name,
  state: 'running',
  incarnation: 1,
  bundleHash: '',
  root: makeKref('object', index + 10),
  waiting: 0,
  ...more,
});

const clusters: readonly ClusterStatus[] = [
  {
    id: makeClusterId(1),
    name: 'market',
    bootstrap: 'mint',
    services: [],
    vats: [
      vat(1, 'mint', { incarnation: 4 }),
      vat(2, 'alice', { state: 'asleep', incarnation: 3 }),
      vat(3, 'bob', { waiting: 12 }),
    ],
  },
  {
    id: makeClusterId(2),
    name: 'counter',
    bootstrap: 'counter',
    services: [],
    vats: [vat(4, 'counter')],
  },
  {
    id: makeClusterId(3),
    name: 'chat-room-of-the-long-name',
    bootstrap: 'room',
    services: [],
    vats: [
      vat(5, 'room', {
        state: 'failed',
        root: null,
        waiting: 3,
        reason:
          'buildRootObject threw: TypeError: cannot read properties of undefined (reading ‘topic’)',
      }),
    ],
  },
];

const underWay: LaunchStatus = {
  id: 3,
  name: 'greeters',
  state: 'running',
  steps: [
    { text: 'read the config', state: 'done' },
    { text: 'fetch 2 bundles', state: 'done' },
    { text: 'start vat alice', state: 'running' },
  ],
};
const failedLaunch: LaunchStatus = {
  id: 4,
  name: 'broken',
  state: 'failed',
  steps: [
    { text: 'read the config', state: 'done' },
    { text: 'start vat main', state: 'failed' },
  ],
  error: 'vat main: SyntaxError: Unexpected token ‘}’ at line 12',
};

const statusOf: Record<string, Partial<KernelStatus>> = {
  running: {},
  empty: { clusters: [], home: [] },
  launching: { launches: [underWay] },
  'launch-failed': { launches: [failedLaunch] },
  paused: { isPaused: true },
  'little-room': {
    room: { used: 9.2e9, left: 0.8e9, level: 'scarce' },
  },
  failed: {
    state: 'failed',
    reason: 'the commit of epoch 812 failed: SQLITE_FULL: the disk is full',
  },
  'storage-failed': {
    state: 'storage-failed',
    reason:
      'commit to the kernel database: SQLITE_IOERR: disk I/O error (QuotaExceededError)',
    clusters: [],
    home: [],
  },
  'storage-in-use': {
    state: 'storage-in-use',
    reason:
      'Another kernel of this extension holds the files of cooperage. Close it, or restart the browser',
    clusters: [],
    home: [],
  },
  'critical-failed': {
    state: 'critical-failed',
    reason:
      'critical vat market.bank has failed: the vat ended itself: "no more"',
    clusters: [],
    home: [],
  },
  'safe-mode': {
    state: 'safe-mode',
    reason: 'it failed three times within a minute; the last: out of memory',
  },
};

const rich = JSON.stringify({
  purse: '$0.Alleged: Purse',
  balance: '+1200',
  note: 'thanks!',
  later: '&1',
  history: [{ at: 1, amount: '-5' }, '#undefined'],
  set: { '#tag': 'copySet', payload: ['a', 'b'] },
});

const kernel = makeFakeKernel({
  status: {
    clusters,
    home: [
      { name: 'savings', kref: makeKref('object', 31) },
      { name: 'mint-admin', kref: makeKref('object', 8) },
    ],
    sessions: 2,
    cranks: 1843,
    ...statusOf[scene],
  },
  onSend: (_kref, { methargs }) => {
    if (methargs.body.startsWith('#["never')) {
      return undefined;
    }
    if (methargs.body.startsWith('#["fail')) {
      const body = `#${JSON.stringify({ '#error': 'only 12 left in this purse', name: 'RangeError', errorId: 'error:v3#7' })}`;
      return { isRejected: true, data: { body, slots: [] } };
    }
    queueMicrotask(() =>
      kernel.deliver([
        'notify',
        [['p-41' as Vref, false, { body: '#"+7"', slots: [] }]],
      ]),
    );
    return {
      isRejected: false,
      data: { body: `#${rich}`, slots: ['o-40' as Vref, 'p-41' as Vref] },
    };
  },
});
if (scene === 'lost') {
  kernel.setUnreachable('the offscreen document does not answer');
}

const samples = [
  {
    title: 'Counter',
    description: 'Counts, and still knows its number after a restart.',
    config: {
      name: 'counter',
      vats: { counter: { bundle: { url: 'a.json' } } },
    },
  },
  {
    title: 'Greeters',
    description: 'Two vats that pass each other objects and promises.',
    config: {
      name: 'greeters',
      vats: {
        alice: { bundle: { url: 'a.json' } },
        bob: { bundle: { url: 'b.json' } },
      },
    },
  },
  {
    title: 'Mint and purses',
    description: 'Money that can’t be forged, in forty lines.',
    config: { name: 'mint', vats: { mint: { bundle: { url: 'm.json' } } } },
  },
];

const app = document.getElementById('app');
if (app) {
  mountPanel(app, kernel.connect, {
    reload: () => location.reload(),
    fetchText: async url => {
      if (url.endsWith('samples.json')) {
        return JSON.stringify(samples);
      }
      throw new Error(`${url} can’t be reached`);
    },
    compileModule: async source =>
      source.includes('oops')
        ? { ok: false, problem: 'Unexpected token', line: 5, column: 12 }
        : { ok: true, bundleText: '{"moduleFormat":"cooperageModule"}' },
  });
  const at = Date.now();
  const bob = { at, vat: makeVatId(3), label: 'market.bob' };
  setTimeout(() =>
    kernel.log([
      { ...bob, level: 'log', text: 'paid 5 to alice' },
      { ...bob, level: 'warn', text: 'only 12 left' },
      {
        ...bob,
        level: 'error',
        text: 'RangeError: only 12 left in this purse\n  at withdraw',
      },
      {
        at,
        vat: null,
        label: 'kernel',
        level: 'info',
        text: 'commit 88: 12 cranks',
      },
    ]),
  );
}
