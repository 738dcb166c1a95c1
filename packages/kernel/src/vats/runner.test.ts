import { expect, it } from 'vitest';
import { makeGcStage } from '../testing/gc-stage.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
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
  vref,
} from '../testing/stage.ts';

it('ends the worker of a vat that has ended itself, and nothing is in flight to it any more', async () => {
  const stage = await makeStage(['alice']);
  await stage.say(send(stage.root('alice'), 'go', [], 'p+1'), subscribe('p+1'));
  const worker = stage.vat('alice');
  await stage.finish('alice', ['exit', false, dataOf('bye')]);
  expect([worker.isKilled, vatOf(stage)]).toEqual([true, undefined]);
  expect(heardBy(stage)).toMatchObject([['p+1', true, {}]]);
  await stage.rig.kernel.idle();
  await end(stage);
});

it('says in its own words why a critical vat has ended itself', async () => {
  const stage = await makeStage(['alice'], { rules: { critical: true } });
  await stage.say(send(stage.root('alice'), 'go'));
  await stage.finish('alice', ['exit', false, dataOf('no more')]);
  expect(await stage.rig.kernel.ended).toMatchObject({
    state: 'critical-failed',
    reason: 'critical vat demo.alice has failed: the vat ended itself: no more',
  });
  await stage.rig.kernel.stop();
});

it('suspends a vat whose delivery fails, and one whose start does has failed', async () => {
  const stage = await makeStage(['alice'], {
    behave: (delivery, { label, incarnation }) =>
      label === 'alice' && incarnation > 1 ? undefined : answerStart(delivery),
  });
  const noLuck = { outcome: { ok: false, problem: 'no luck' } } as const;
  await stage.say(send(stage.root('alice'), 'go'));
  await stage.finishWith('alice', noLuck);
  expect(vatOf(stage)).toMatchObject({
    state: 'suspended',
    reason: 'no luck',
    waiting: 1,
  });
  await stage.client.rpc.call('resume', { cluster: 'demo', vat: 'alice' });
  await settle();
  expect(stage.flight('alice')[0]).toBe('startVat');
  await stage.finishWith('alice', noLuck);
  expect(vatOf(stage)).toMatchObject({
    state: 'failed',
    reason: 'no luck',
    waiting: 0,
  });
  await end(stage);
});

it('stops the kernel for a fault of the kernel’s own, and blames no vat for it', async () => {
  let isBroken = false;
  const stage = await makeStage(['alice'], {
    afterCrank: () => {
      if (isBroken) {
        isBroken = false;
        throw Error('broken');
      }
    },
  });
  await stage.say(send(stage.root('alice'), 'go'));
  isBroken = true;
  await stage.finish('alice');
  expect(stage.rig.kernel.status()).toMatchObject({
    state: 'failed',
    reason: 'broken',
  });
  await stage.rig.kernel.stop().catch(() => {});
});

it('gives a vat a minute for a reap, whatever its deadline', async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeGcStage(['alice'], {
    clock,
    rules: { deadline: 700 },
  });
  await stage.act('alice');
  stage.hold('alice', 'bringOutYourDead');
  const collected = stage.client.rpc.call('collect', {}).catch(String);
  await settle();
  expect(stage.flight('alice')).toEqual(['bringOutYourDead']);
  advance(59_999);
  await settle();
  expect(vatOf(stage)).toMatchObject({ state: 'running' });
  advance(1);
  await settle();
  expect(vatOf(stage)).toMatchObject({
    state: 'suspended',
    reason: 'it did not finish its delivery within 60 s',
  });
  await collected;
  await end(stage);
});

it('delivers nothing to an object that its vat has abandoned meanwhile, and goes on with what is behind that', async () => {
  const stage = await makeStage(['alice']);
  const alice = stage.root('alice');
  await stage.say(send(alice, 'give', [], 'p+1'), subscribe('p+1'));
  await stage.finish('alice', fulfil('p-50', dataOf('$0', 'o+7')));
  const [thing = ''] = heardBy(stage)[0]?.[2].slots ?? [];
  await stage.say(
    send(alice, 'go'),
    send(thing, 'ask', [], 'p+2'),
    send(alice, 'next'),
    subscribe('p+2'),
  );
  await stage.finish('alice', ['abandonExports', [vref('o+7')]]);
  expect(heardBy(stage).slice(1)).toMatchObject([['p+2', true, {}]]);
  expect(JSON.stringify(stage.flight('alice'))).toContain('next');
  await stage.finish('alice');
  await end(stage);
});

it('tells a vat nothing of a promise that it has forgotten meanwhile', async () => {
  const stage = await makeStage(['alice']);
  await stage.say(send(stage.root('alice'), 'watch', ['p+1']));
  await stage.finish('alice', subscribe('p-50'));
  await stage.say(send(stage.root('alice'), 'go'));
  await stage.say(fulfil('p+1', dataOf('watched')));
  await stage.finish('alice', ['forgetPromises', [vref('p-50')]]);
  expect(stage.vat('alice').isBusy).toBe(false);
  expect(stage.rig.kernel.state.queue.size).toBe(0);
  await end(stage);
});
