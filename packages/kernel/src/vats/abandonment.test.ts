import { describe, expect, it } from 'vitest';
import type { FaultPolicy } from '@cooperage/protocol';
import { makeManualClock } from '../testing/manual-clock.ts';
import type { Behavior } from '../testing/raw-vats.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  heardBy,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  type Stage,
} from '../testing/stage.ts';

type Options = NonNullable<Parameters<typeof makeStage>[1]>;

/** Alice, in a stage with a clock of its own. */
const setScene = (options: Options = {}): Promise<Stage> =>
  makeStage(['alice'], { clock: makeManualClock().clock, ...options });

const loseWorker = async (
  stage: Stage,
  ...loss: Parameters<ReturnType<Stage['vat']>['lose']>
): Promise<void> => {
  stage.vat('alice').lose(...loss);
  await settle();
};

const restart = async ({ client }: Stage): Promise<void> => {
  await client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
  await settle();
};

/** What the log says of alice. */
const errorsOf = ({ rig }: Stage): string[] =>
  rig.logs
    .filter(({ label, level }) => label === 'alice' && level === 'error')
    .map(({ text }) => text);

const stoppedBy = ({ rig }: Stage) =>
  [...rig.kernel.state.vats.values()].find(({ name }) => name === 'alice')
    ?.stoppedBy;

const wordsOf = (value: unknown): string =>
  JSON.stringify(value).replaceAll('\\"', '"');

/** As a durable watcher does in each life. */
const watch: Behavior = (delivery, { incarnation }) =>
  delivery[0] === 'startVat' && incarnation > 1
    ? { syscalls: [subscribe('p-50')] }
    : answerStart(delivery);

describe('a vat whose worker is lost three times', () => {
  it.each<[FaultPolicy, string | undefined, string]>([
    ['restart', 'running', 'given up after 3 tries'],
    ['suspend', 'suspended', 'given up after 3 tries'],
    ['terminate', undefined, 'vat was ended: no memory'],
  ])(
    'with one message bears what its policy says, %s, then and not before',
    async (onFault, state, words) => {
      const stage = await setScene({ rules: { onFault } });
      await stage.say(
        send(stage.root('alice'), 'poison', [], 'p+1'),
        subscribe('p+1'),
      );
      for (let tries = 0; tries < 3; tries += 1) {
        expect(wordsOf(stage.flight('alice'))).toContain('"poison"');
        expect(heardBy(stage)).toEqual([]);
        await loseWorker(stage, 'no memory');
      }
      if (state === 'running') {
        await stage.say(send(stage.root('alice'), 'next'));
        await stage.finish('alice');
      }
      expect(vatOf(stage)?.state).toBe(state);
      expect(wordsOf(heardBy(stage))).toContain(words);
      expect(errorsOf(stage)).toEqual(
        Array(3).fill('delivery abandoned: no memory'),
      );
      expect(stoppedBy(stage)).toBe(
        { restart: null, suspend: 'kernel', terminate: undefined }[onFault],
      );
      await end(stage);
    },
  );

  it.each<[FaultPolicy, string | undefined]>([
    ['restart', 'suspended'],
    ['suspend', 'suspended'],
    ['terminate', undefined],
  ])(
    'when it is told of a promise is not restarted again, whose policy is to %s',
    async (onFault, state) => {
      const stage = await setScene({ rules: { onFault }, behave: watch });
      await stage.say(send(stage.root('alice'), 'watch', ['p+1']));
      await stage.finish('alice', subscribe('p-50'));
      await stage.say(fulfil('p+1', dataOf('watched')));
      for (let tries = 0; tries < 3; tries += 1) {
        expect(stage.flight('alice')[0]).toBe('notify');
        await loseWorker(stage, 'no memory');
      }
      expect(vatOf(stage)?.state).toBe(state);
      await end(stage);
    },
  );

  it.each<[string, Options]>([
    [
      'before it is there',
      {
        begin: (label, nth) =>
          label === 'alice' && nth > 1 ? 'refused' : 'ready',
      },
    ],
    [
      'in its start',
      {
        behave: (delivery, { label, incarnation }) =>
          label === 'alice' && incarnation > 1
            ? undefined
            : answerStart(delivery),
      },
    ],
    [
      'for what its start does',
      {
        rules: { onFault: 'restart' },
        behave: (delivery, { label, incarnation }) =>
          label === 'alice' && incarnation > 1
            ? { syscalls: [subscribe('p-99')] }
            : answerStart(delivery),
      },
    ],
  ])('%s has failed', async (what, options) => {
    const stage = await setScene(options);
    await stage.say(send(stage.root('alice'), 'work'));
    await restart(stage);
    for (let losses = 0; what === 'in its start' && losses < 3; losses += 1) {
      expect(stage.flight('alice')[0]).toBe('startVat');
      await loseWorker(stage, 'no memory');
    }
    expect(vatOf(stage)).toMatchObject({ state: 'failed', incarnation: 2 });
    const errors = errorsOf(stage);
    const [first = ''] = errors;
    const problem = first.replace(/^[^:]*: /, '');
    expect(first).toMatch(
      what === 'before it is there' ? /^heap lost: / : /^delivery abandoned: /,
    );
    const failure = `3 starts were lost; the last one: ${problem}`;
    expect(errors).toEqual([first, first, first, `can't run: ${failure}`]);
    expect(vatOf(stage)?.reason).toBe(failure);
    await end(stage);
  });

  it('with the process of all while it starts has not failed: it starts again', async () => {
    const stage = await setScene({
      begin: (label, nth) =>
        label === 'alice' && nth > 1 ? 'unready' : 'ready',
    });
    await restart(stage);
    for (let losses = 0; losses < 5; losses += 1) {
      expect(vatOf(stage)).toMatchObject({ state: 'starting' });
      await loseWorker(stage, 'no memory', 'host');
    }
    expect(stage.rig.vats.all).toHaveLength(1 + 1 + 6);
    await end(stage);
  });
});

describe('a vat that loses its heap', () => {
  it('rejects what it was to answer, and says why, in text that can be stored', async () => {
    const stage = await setScene({ rules: { onFault: 'restart' } });
    await stage.say(
      send(stage.root('alice'), 'wait', [], 'p+1'),
      subscribe('p+1'),
    );
    await stage.finish('alice');
    await loseWorker(stage, 'no \ud800 memory');
    expect(wordsOf(heardBy(stage))).toContain(
      'vat lost its heap: no \ufffd memory',
    );
    stage.vat('boot').say('nonsense');
    await stage.say(send(stage.root('alice'), 'work'));
    await stage.finish('alice');
    stage.vat('alice').say('nonsense');
    await settle();
    expect(errorsOf(stage)).toEqual([
      'heap lost: no \ufffd memory',
      'heap lost: it broke the protocol: message is "nonsense"',
    ]);
    expect(vatOf(stage)).toMatchObject({ incarnation: 3 });
    await stage.say(send(stage.root('alice'), 'work'));
    await stage.finish('alice');
    await end(stage);
  });

  it('and whose policy is to suspend waits for a person, also when it was starting', async () => {
    const stage = await setScene({
      behave: (delivery, { label, incarnation }) =>
        label === 'alice' && incarnation > 1
          ? { syscalls: [subscribe('p-99')] }
          : answerStart(delivery),
    });
    await restart(stage);
    expect(vatOf(stage)).toMatchObject({ state: 'suspended', incarnation: 2 });
    expect(stoppedBy(stage)).toBe('kernel');
    await end(stage);
  });

  it.each<[FaultPolicy, string | undefined]>([
    ['restart', 'suspended'],
    ['suspend', 'suspended'],
    ['terminate', undefined],
  ])(
    'twice with the process of all, alone at work, is not restarted again, whose policy is to %s',
    async (onFault, state) => {
      const stage = await setScene({ rules: { onFault } });
      await stage.say(send(stage.root('alice'), 'eat all memory'));
      await loseWorker(stage, 'no memory', 'host');
      expect(wordsOf(stage.flight('alice'))).toContain('"eat all memory"');
      await loseWorker(stage, 'no memory', 'host');
      expect(vatOf(stage)?.state).toBe(state);
      await end(stage);
    },
  );
});
