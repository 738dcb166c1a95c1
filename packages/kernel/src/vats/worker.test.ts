import { describe, expect, it } from 'vitest';
import {
  CooperageError,
  DEFAULT_VAT_LIMITS,
  PROTOCOL_VERSION,
  type Delivery,
  type VatId,
} from '@cooperage/protocol';
import type { VatLauncher, VatPort } from '../ports.ts';
import type { Beginning } from '../testing/raw-vats.ts';
import { dataOf, send, settle } from '../testing/stage.ts';
import { makeWorkerScene, startOf } from '../testing/worker-scene.ts';
import type { Start } from './start.ts';
import { makeWorkerStarter } from './worker.ts';

const REAP: Delivery = ['bringOutYourDead'];
const START: Delivery = ['startVat', dataOf(null)];
const AFTER = ['alice', 'after loss'];
/** A few lines a crank, and one change. */
const LIMITS = {
  ...DEFAULT_VAT_LIMITS,
  logUnits: 10,
  logLinesPerCrank: 2,
  changesPerCrank: 1,
};

/** A worker without a kernel, and what is sent to it. */
const setScene = async ({
  begin = 'ready',
  makeStart = startOf,
  launched = Promise.resolve(),
}: {
  begin?: Beginning;
  makeStart?: (vat: VatId) => Start;
  /** The worker is made only then. */
  launched?: Promise<void>;
} = {}) => {
  const sent: [string, readonly ArrayBuffer[] | undefined][] = [];
  const lose: Parameters<VatPort['receive']>[1][] = [];
  const tap = (launcher: VatLauncher): VatLauncher => ({
    launch: async (...named) => {
      await launched;
      const port = await launcher.launch(...named);
      return {
        ...port,
        send: (message, transfer) => {
          sent.push([message.type, transfer]);
          port.send(message, transfer);
        },
        receive: (onMessage, onLost) => {
          lose.push(onLost);
          port.receive(onMessage, onLost);
        },
      };
    },
  });
  const scene = makeWorkerScene({ begin: () => begin, wrap: tap });
  const gone: string[] = [];
  const starter = makeWorkerStarter(
    { ...scene.powers, limits: LIMITS },
    {
      onGone: ({ state }) => gone.push(state()),
      onHostLost: (_worker, reason) => scene.told.push(['host', reason]),
    },
  );
  const named = scene.name('alice');
  const worker = starter.start(
    named,
    () => makeStart(named.vat),
    scene.ownerOf('alice'),
  );
  await settle();
  const [raw] = scene.raw.all;
  const say = async (message: Record<string, unknown>): Promise<void> => {
    raw?.say(message);
    await settle();
  };
  return {
    ...{ ...scene, raw, worker, sent, lose, gone, named, starter, say },
    log: (text: string) => say({ type: 'log', level: 'info', text }),
    deliver: async (
      delivery: Delivery = REAP,
      deadline: number | null = null,
    ) => {
      worker.deliver({ delivery, held: undefined }, deadline);
      await settle();
    },
    finish: async (deed: Parameters<NonNullable<typeof raw>['finish']>[0]) => {
      raw?.finish(deed);
      await settle();
    },
  };
};

const broke = (problem: string) => [
  ['alice', 'lost', `it broke the protocol: ${problem}`, 'fault'],
  AFTER,
];

describe('a worker', () => {
  it('says hello, is told what to start, is ready, and takes deliveries one at a time', async () => {
    const scene = await setScene();
    const { worker, sent, told, traced, deliver, finish, clock } = scene;
    const { vat } = scene.named;
    expect([worker.state(), told]).toEqual(['idle', [['alice', 'ready']]]);
    await deliver();
    expect(worker.state()).toBe('busy');
    expect(() =>
      worker.deliver({ delivery: REAP, held: undefined }, null),
    ).toThrow(`vat ${vat} is busy, it can't take a delivery`);
    await finish({ syscalls: [send('o+1', 'hello')] });
    await deliver();
    await finish({ changes: [['key', null]] });
    expect([worker.state(), told.slice(1)]).toEqual([
      'idle',
      [
        ['alice', 'done', 1],
        ['alice', 'done', 2],
      ],
    ]);
    expect(sent).toEqual([
      ['start', [expect.any(ArrayBuffer)]],
      ['deliver', undefined],
      ['deliver', undefined],
    ]);
    const at = clock.now();
    const done = { type: 'done', at, vat, ok: true };
    const begun = { type: 'deliver', at, vat, delivery: 'bringOutYourDead' };
    scene.raw?.lose('gone');
    expect(traced).toEqual([
      { ...begun, crank: 1 },
      { ...done, crank: 1, syscalls: ['send'], changes: 0 },
      { ...begun, crank: 2 },
      { ...done, crank: 2, syscalls: [], changes: 1 },
      { type: 'lost', at, vat, reason: 'gone' },
    ]);
  });

  it.each([
    ['launching', 'silent', ['ready', 'failed', 'done']],
    ['starting', 'unready', ['hello', 'done']],
    ['idle', 'ready', ['hello', 'ready', 'failed', 'done']],
    ['busy', 'ready', ['hello', 'ready', 'failed']],
  ] as const)(
    'that is %s says some things only, or is lost',
    async (state, begin, types) => {
      for (const type of types) {
        const { worker, told, say, deliver } = await setScene({ begin });
        if (state === 'busy') {
          await deliver();
        }
        told.splice(0);
        expect(worker.state()).toBe(state);
        await say({
          type,
          version: PROTOCOL_VERSION,
          problem: 'no module',
          crank: state === 'busy' ? 1 : 0,
          outcome: { ok: true },
          syscalls: [],
          changes: [],
        });
        expect(told).toEqual(broke(`"${type}" while it is ${state}`));
        expect(worker.state()).toBe('gone');
      }
    },
  );

  it('is lost for words that there are not, of which the first are told', async () => {
    const { told, say } = await setScene({ begin: 'silent' });
    await say({ type: 'x'.repeat(100) });
    expect(told).toEqual(broke(`"${'x'.repeat(40)}" while it is launching`));
  });

  it('is lost for another version, and for the end of another crank', async () => {
    const old = await setScene({ begin: 'silent' });
    await old.say({ type: 'hello', version: 99 });
    expect(old.told).toEqual(
      broke(`it speaks version 99, not ${PROTOCOL_VERSION}`),
    );
    const wrong = await setScene();
    wrong.told.splice(0);
    await wrong.deliver();
    const outcome = { ok: true };
    await wrong.say({
      ...{ type: 'done', crank: 7, outcome },
      ...{ syscalls: [], changes: [] },
    });
    expect(wrong.told).toEqual(broke('done for crank 7 while 1 is in flight'));
  });

  it('does in its start more than in another crank', async () => {
    const { told, deliver, finish } = await setScene();
    const changes = ['a', 'b'].map(key => [key, '1'] as const);
    await deliver(START);
    await finish({ changes });
    await deliver();
    await finish({ changes });
    expect(told.slice(1)).toEqual([
      ['alice', 'done', 1],
      ...broke('changes has 2 entries, more than 1'),
    ]);
  });

  it('logs so many lines a crank, whose ends are cut, and is lost for more', async () => {
    const { told, logs, log, deliver, named } = await setScene();
    await deliver();
    for (let lines = 0; lines < 6; lines += 1) {
      await log('more than it may');
    }
    expect(logs).toEqual(Array(6).fill([named.vat, 'info', 'more than ']));
    expect(told.splice(0)).toEqual([['alice', 'ready']]);
    await log('more');
    expect(told).toEqual(broke('it floods its log'));
    expect(logs).toHaveLength(6);
    const narrow = await setScene({
      makeStart: vat => startOf(vat, { logLinesPerCrank: 0 }),
    });
    narrow.told.splice(0);
    for (let lines = 0; lines < 3; lines += 1) {
      await narrow.log('a line');
    }
    expect(narrow.logs).toHaveLength(2);
    expect(narrow.told).toEqual(broke('it floods its log'));
  });

  it('fails when its store can’t be used; what else is thrown stops the kernel', async () => {
    const damaged = new CooperageError('STORE_DAMAGED', 'file is damaged');
    const { told, phase, worker, gone } = await setScene({
      makeStart: () => {
        throw damaged;
      },
    });
    expect([told, gone]).toEqual([
      [['alice', 'failed', 'file is damaged']],
      ['gone'],
    ]);
    expect([phase.state(), worker.state()]).toEqual(['running', 'gone']);
    const other = await setScene({
      makeStart: () => {
        throw Error('of the kernel');
      },
    });
    expect(other.told).toEqual([]);
    expect(other.phase.reason()).toBe('of the kernel');
  });

  it('is lost when it does not start, or takes too long for that or for a delivery', async () => {
    const refused = await setScene({ begin: 'refused' });
    expect(refused.told).toEqual([
      [
        'alice',
        'lost',
        'its worker did not start: Error: no room for a worker',
        'worker',
      ],
      AFTER,
    ]);
    for (const begin of ['silent', 'unready'] as const) {
      const { told, advance } = await setScene({ begin });
      advance(19_999);
      await settle();
      expect(told).toEqual([]);
      advance(1);
      await settle();
      expect(told).toEqual([
        ['alice', 'lost', 'its worker was not ready within 20 s', 'worker'],
        AFTER,
      ]);
    }
    for (const [deadline, seconds] of [
      [null, 5],
      [700, 0.7],
    ] as const) {
      const { told, advance, deliver, waits } = await setScene();
      expect(waits()).toEqual([]);
      await deliver(REAP, deadline);
      advance(1_000 * seconds);
      await settle();
      expect(told.slice(1)).toEqual([
        [
          'alice',
          'lost',
          `it did not finish its delivery within ${seconds} s`,
          'fault',
        ],
        AFTER,
      ]);
    }
  });

  it('that was ended says nothing any more, and has ended once', async () => {
    const { worker, told, gone, log, logs, lose, raw, deliver } =
      await setScene();
    await deliver();
    told.splice(0);
    worker.kill();
    worker.kill();
    await log('late');
    lose[0]?.('late');
    lose[0]?.('late', 'host');
    expect([told, logs, gone]).toEqual([[], [], ['gone']]);
    expect([worker.state(), raw?.isKilled]).toEqual(['gone', true]);
  });

  it('tells whether it is lost alone, or all are', async () => {
    const { told, lose } = await setScene({ begin: 'unready' });
    lose[0]?.('all are lost', 'host');
    lose[0]?.(' ');
    expect(told).toEqual([
      ['host', 'all are lost'],
      ['alice', 'lost', 'the vat does not say why', 'worker'],
      AFTER,
    ]);
  });

  it.each(['silent', 'refused'] as const)(
    'that was ended before it was there is ended when it is, and says nothing: %s',
    async begin => {
      let open = (): void => {};
      const launched = new Promise<void>(resolve => {
        open = resolve;
      });
      const scene = await setScene({ begin, launched });
      scene.worker.kill();
      open();
      await settle();
      expect([scene.told, scene.gone, scene.lose]).toEqual([[], ['gone'], []]);
      expect(scene.living()).toEqual([]);
    },
  );
});
