import type { Privilege } from '@cooperage/protocol';
import {
  NOTIFICATION_FORMS,
  PARAM_FORMS,
} from '@cooperage/protocol/client-words';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tryEach } from './testing/fuzz.ts';
import {
  deliverable,
  junk,
  makeWordOf,
  TEXTS,
  type Scene,
} from './testing/hostile-words.ts';
import type { Behavior } from './testing/raw-vats.ts';
import { RAW_BUNDLE } from './testing/rig.ts';
import {
  dataOf,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  type Stage,
} from './testing/stage.ts';

/** On one kernel. */
const FRAMES = 40;
const SEEDS = Array.from({ length: 16 }, (_, index) => index + 1);

/** Whatever she may do to a cluster is done to one of her own. */
const wordOf = makeWordOf([...TEXTS, 'hers', 'mallory', 'kept', RAW_BUNDLE]);

/** What is posted, or sent as a message with a number that is hers to choose. */
type Frame =
  | { readonly way: 'call'; readonly frame: Readonly<Record<string, unknown>> }
  | { readonly way: 'message' | 'wire'; readonly frame: unknown };

const calls = Object.entries(PARAM_FORMS).map(([method, form]) =>
  wordOf(form).map((params): Frame => ({
    way: 'call',
    frame: { method, params },
  })),
);
const methodNames = Object.keys(PARAM_FORMS);

const frames: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 20, arbitrary: fc.oneof(...calls) },
  {
    weight: 20,
    arbitrary: wordOf(NOTIFICATION_FORMS.syscalls).map((params): Frame => ({
      way: 'message',
      frame: { method: 'syscalls', params },
    })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record(
        {
          id: fc.oneof(fc.constantFrom<unknown>(1, 2, 3, -1), junk),
          method: fc.oneof(fc.constantFrom<unknown>(...methodNames), junk),
          params: junk,
          result: junk,
          error: fc.oneof(fc.constant({ name: 'Error', message: 'no' }), junk),
          abort: fc.oneof(fc.constantFrom<unknown>(1, 2), junk),
        },
        { requiredKeys: [] },
      )
      .map((frame): Frame => ({ way: 'message', frame })),
  },
  {
    weight: 1,
    arbitrary: junk.map((frame): Frame => ({ way: 'wire', frame })),
  },
  {
    weight: 1,
    arbitrary: fc
      .record(
        { ack: fc.nat(2), window: fc.nat(2), close: junk },
        { requiredKeys: [] },
      )
      .map((frame): Frame => ({ way: 'wire', frame })),
  },
);

const plans = fc.record({
  privilege: fc.constantFrom<Privilege>('read', 'operate', 'operate'),
  frames: fc.array(frames, { minLength: FRAMES, maxLength: FRAMES }),
});

/** Vats answer whatever they are asked. */
const behave: Behavior = delivery => {
  const result = delivery[0] === 'message' ? delivery[2].result : null;
  return result ? { syscalls: [fulfil(result, dataOf('as ever'))] } : {};
};

type Answer = { readonly id: number; readonly error?: unknown };

/** A client that says what the test wants, and writes down what it is told. */
const connect = (stage: Stage, privilege: Privilege) => {
  const { left, right, postRaw } = makeStreamPair();
  stage.rig.kernel.connect(right, { privilege, label: 'mallory' });
  const answers: Answer[] = [];
  let heard = 0;
  let isClosed = false;
  left.receive(
    frame => {
      const { method, params, id } = Object(frame);
      if (method === 'deliver') {
        heard = params.number;
      } else if (typeof id === 'number') {
        answers.push(Object(frame));
      }
    },
    () => {},
  );
  // Of the kernel's end: it says nothing to one who has said goodbye.
  void right.closed.then(() => (isClosed = true));
  const asked: unknown[] = [];
  return {
    answers,
    isClosed: () => isClosed,
    heard: () => heard,
    say: ({ way, frame }: Frame, scene: Scene): void => {
      const made = deliverable(frame, scene);
      if (way === 'wire') {
        postRaw(made);
      } else if (way === 'call') {
        asked.push(Object(made).method);
        left.send({ ...Object(made), id: 1_000 + asked.length });
      } else {
        left.send(made);
      }
    },
    /** Methods that were called and have not answered. */
    unanswered: () =>
      asked.filter(
        (_, index) => !answers.some(({ id }) => id === 1_001 + index),
      ),
    close: () => left.close(),
  };
};

/** Every row that a client could change. */
const everyRow = ({ rig }: Stage): string => {
  const { vats, clists, objects, promises, queue, home, counters } =
    rig.kernel.state;
  const { sessions, clusters, keptBundles } = rig.kernel.state;
  const tables: readonly { values(): Iterable<unknown> }[] = [
    ...[vats, clists, objects, promises, queue, home, counters],
    ...[sessions, clusters, keptBundles],
  ];
  return JSON.stringify(tables.map(table => [...table.values()]));
};

it('a client that sends anything at all loses its connection at most: the kernel runs, others are answered, every call is answered, and one who may only read changes no row (invariants 4–9, 11)', async () => {
  const tally = {
    frames: 0,
    closed: 0,
    ended: 0,
    answered: 0,
    refused: new Map<string, number>(),
  };

  const countAnswers = (answers: readonly Answer[]): void => {
    for (const { error } of answers) {
      if (error === undefined) {
        tally.answered += 1;
        continue;
      }
      const { code, message } = Object(error);
      expect(message).toMatch(/\S/);
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)+$/);
      tally.refused.set(code, (tally.refused.get(code) ?? 0) + 1);
    }
  };

  const run = async ({
    privilege,
    frames: planned,
  }: {
    privilege: Privilege;
    frames: readonly Frame[];
  }): Promise<void> => {
    const stage = await makeStage(['bob'], { behave });
    await stage.rig.launch('hers', ['mallory']);
    const { rig, client } = stage;
    let promises = 0;
    const askBob = async (): Promise<void> => {
      const promise = `p+${(promises += 1)}`;
      const before = client.deliveries.length;
      await stage.say(
        send(stage.root('bob'), 'ask', [], promise),
        subscribe(promise),
      );
      expect(client.deliveries.slice(before)).toEqual([
        ['notify', [[promise, false, dataOf('as ever')]]],
      ]);
    };

    let attacker = connect(stage, privilege);
    const scene = (): Scene => ({
      crank: attacker.heard(),
      names: {
        '<target>': 'o-2',
        '<result>': 'p+5',
        '<0>': 'o-1',
        '<1>': 'o+3',
        '<2>': 'p-4',
      },
    });
    /** A connection as good as new, with a session if it may have one. */
    const begin = async (): Promise<void> => {
      if (privilege === 'read') {
        return;
      }
      const calls: readonly [string, unknown][] = [
        ['sessionOpen', {}],
        ['reference', { cluster: 'demo', vat: 'bob' }],
        ['reference', { cluster: 'hers', vat: 'mallory' }],
      ];
      for (const [method, params] of calls) {
        attacker.say({ way: 'call', frame: { method, params } }, scene());
      }
      await settle();
    };
    await begin();
    for (const [nth, frame] of planned.entries()) {
      const before = everyRow(stage);
      const sessions = rig.kernel.status().sessions;
      attacker.say(frame, scene());
      tally.frames += 1;
      await settle();
      expect(rig.kernel.status()).toMatchObject({ state: 'running' });
      if (privilege === 'read') {
        expect(everyRow(stage)).toBe(before);
      }
      if (rig.kernel.status().isPaused) {
        await client.rpc.call('unpause', {});
      }
      if (nth % 5 === 0) {
        await askBob();
      }
      if (attacker.isClosed()) {
        tally.closed += 1;
        countAnswers(attacker.answers);
        attacker = connect(stage, privilege);
        await begin();
      } else if (rig.kernel.status().sessions < sessions) {
        tally.ended += 1;
        await begin();
      }
    }
    await rig.kernel.idle();
    await settle();
    expect(attacker.unanswered()).toEqual([]);
    countAnswers(attacker.answers);
    attacker.close();
    await settle();
    expect(rig.kernel.status().sessions).toBe(1);
    await rig.kernel.stop();
  };

  const tried = await tryEach(plans, SEEDS, run, () => tally.frames);
  console.log(
    `hostile frames: ${JSON.stringify({ ...tally, refused: Object.fromEntries(tally.refused) })}`,
  );
  expect(tally.refused.get('KERNEL_FAILED')).toBe(undefined);
  if (tried >= SEEDS.length) {
    expect(tally.frames).toBe(tried * FRAMES);
    expect(tally.closed).toBeGreaterThan(tried);
    expect(tally.ended).toBeGreaterThan(tried / 2);
    expect(tally.answered).toBeGreaterThan(tried);
    for (const code of ['NOT_ALLOWED', 'BAD_REQUEST', 'CLUSTER_UNKNOWN']) {
      expect(tally.refused.get(code)).toBeGreaterThan(tried / 4);
    }
  }
}, 3_600_000);

it('a client that asks without end and takes no answer loses its connection, and is told why; what it makes wait is bounded (invariant 11)', async () => {
  const stage = await makeStage(['bob'], { behave });
  const { left, right } = makeStreamPair();
  stage.rig.kernel.connect(right, { privilege: 'read', label: 'mallory' });
  let answers = 0;
  const closed = new Promise<Error | undefined>(resolve =>
    left.receive(frame => {
      answers += 'result' in Object(frame) ? 1 : 0;
    }, resolve),
  );
  for (let id = 1; id <= 10_500; id += 1) {
    left.send({ id, method: 'status', params: {} });
    if (id % 500 === 0) {
      await settle();
    }
  }
  expect(await closed).toMatchObject({ remote: { code: 'RPC_UNREAD' } });
  expect(answers).toBe(10_000);
  const { state, sessions } = stage.rig.kernel.status();
  expect([state, sessions]).toEqual(['running', 1]);
  await stage.rig.kernel.stop();
});
