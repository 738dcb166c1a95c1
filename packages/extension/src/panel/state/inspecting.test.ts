import { expect, test } from 'vitest';
import {
  makeKref,
  makeVatId,
  type ControlMethods,
  type GrowthReport,
  type Inspection,
} from '@cooperage/protocol';
import { makeActions } from './actions.ts';
import { makeInspecting } from './inspecting.ts';
import type { Memory } from './memory.ts';
import { signal } from '@preact/signals';
import { emptyStatus } from '../testing/fake-kernel.ts';

const vat: Inspection = {
  kind: 'vat',
  endpoint: makeVatId(1),
  name: 'demo.bob',
  root: null,
  vat: null,
  counts: {
    exports: 0,
    exportsReachable: 0,
    imports: 0,
    importsRecognizable: 0,
    promises: 0,
    decides: 0,
    waiting: 0,
  },
  unseen: 0,
  exports: { items: [], leftOut: 0 },
  imports: { items: [], leftOut: 0 },
};
const still = { before: 0, now: 0 };
const report: GrowthReport = {
  mark: 'm1',
  at: 5,
  totals: { objects: still, promises: still, references: still, queued: still },
  endpoints: { items: [], leftOut: 0 },
  interfaces: { items: [], leftOut: 0 },
  unseen: still,
};

const makeMemory = (): Memory => {
  const texts = new Map<string, string>();
  return {
    read: key => texts.get(key),
    write: (key, text) => {
      texts.set(key, text);
    },
  };
};

/** A kernel that answers an inspection only when the test says so. */
const setUp = (memory = makeMemory()) => {
  const calls: (readonly [string, unknown])[] = [];
  const answers: {
    resolve: (inspection: Inspection) => void;
    reject: (problem: Error) => void;
  }[] = [];
  const call = async (method: keyof ControlMethods, params: unknown) => {
    calls.push([method, params]);
    switch (method) {
      case 'inspect':
        return new Promise<Inspection>((resolve, reject) =>
          answers.push({ resolve, reject }),
        );
      case 'mark':
        return { mark: 'm1' };
      case 'grownSince':
        if (Object(params).mark !== 'm1') {
          throw new Error('There is no mark');
        }
        return report;
      default:
        throw new Error(`${method} is not asked for`);
    }
  };
  const connection = {
    call: call as never,
    status: signal({
      ...emptyStatus,
      home: [{ name: 'friend', kref: makeKref('object', 4) }],
    }),
  };
  const actions = makeActions(connection);
  const inspecting = makeInspecting(connection, {
    actions,
    memory,
    now: () => 7,
  });
  return { inspecting, actions, calls, answers };
};

test('shows what was asked for, and goes back step by step', async () => {
  const { inspecting, calls, answers } = setUp();
  expect(inspecting.look.value).toEqual({ state: 'nothing' });
  const first = inspecting.lookAt(' v1 ');
  expect(inspecting.look.value).toEqual({ state: 'busy', subject: 'v1' });
  answers[0]?.resolve(vat);
  await first;
  expect(inspecting.look.value).toEqual({
    state: 'shown',
    subject: 'v1',
    at: 7,
    inspection: vat,
  });
  expect(inspecting.steps.value).toBe(0);
  const second = inspecting.lookAt('friend');
  answers[1]?.reject(new Error('Nothing is kept'));
  await second;
  expect(inspecting.look.value).toEqual({
    state: 'failed',
    subject: 'friend',
    problem: 'Nothing is kept',
  });
  expect(inspecting.steps.value).toBe(1);
  const third = inspecting.back();
  answers[2]?.resolve(vat);
  await third;
  expect(inspecting.subject.value).toBe('v1');
  expect(inspecting.steps.value).toBe(0);
  await inspecting.back();
  expect(calls).toEqual([
    ['inspect', { endpoint: 'v1' }],
    ['inspect', { home: 'friend' }],
    ['inspect', { endpoint: 'v1' }],
  ]);
});

test('looking again keeps what is shown until the answer comes, and is no step', async () => {
  const { inspecting, answers } = setUp();
  const first = inspecting.lookAt('v1');
  answers[0]?.resolve(vat);
  await first;
  const again = inspecting.lookAgain();
  expect(inspecting.look.value.state).toBe('shown');
  answers[1]?.resolve({ ...vat, name: 'later' });
  await again;
  expect(inspecting.look.value).toMatchObject({
    inspection: { name: 'later' },
  });
  expect(inspecting.steps.value).toBe(0);
});

test('a late answer to what is looked at no longer is not shown', async () => {
  const { inspecting, answers } = setUp();
  const first = inspecting.lookAt('v1');
  const second = inspecting.lookAt('v2');
  answers[1]?.resolve({ ...vat, name: 'second' });
  await second;
  answers[0]?.resolve({ ...vat, name: 'first' });
  await first;
  expect(inspecting.look.value).toMatchObject({
    subject: 'v2',
    inspection: { name: 'second' },
  });
});

test('a text that means nothing is not asked for', async () => {
  const { inspecting, calls } = setUp();
  await inspecting.lookAt('eve');
  expect(inspecting.look.value).toMatchObject({
    state: 'failed',
    problem: expect.stringContaining('"eve" is no kref'),
  });
  await inspecting.lookAt('');
  expect(inspecting.look.value).toMatchObject({
    problem: 'Name something to look at.',
  });
  expect(calls).toEqual([]);
});

test('a mark is known to the next page, and what grew since is asked by it', async () => {
  const memory = makeMemory();
  const before = setUp(memory);
  expect(await before.inspecting.findGrowth()).toBe(false);
  expect(before.actions.states.value.get('inspect:growth')).toEqual({
    state: 'failed',
    problem: 'There is no mark',
  });
  expect(await before.inspecting.makeMark()).toBe(true);
  const { inspecting } = setUp(memory);
  expect(inspecting.mark.value).toEqual({ mark: 'm1', at: 7 });
  expect(await inspecting.findGrowth()).toBe(true);
  expect(inspecting.growth.value).toEqual(report);
  memory.write('mark-1', '{"mark":');
  expect(setUp(memory).inspecting.mark.value).toBeUndefined();
});
