import { SAMPLES } from './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { E, Far } from '@endo/far';
import { afterAll, describe, expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import {
  listGrown,
  startRig,
  takeStock,
  type Rig,
  type RigOptions,
} from './rig.ts';
import { useRigs } from './testing/rigs.ts';

afterAll(() => SAMPLES.remove());
const rigs = useRigs();
const { baseUrl, configs } = SAMPLES;

/** An object of a vat, whatever its methods. */
type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

const rootOf = async (
  rig: Pick<Rig, 'console'>,
  cluster: string,
  vat?: string,
): Promise<Remote> =>
  (await E(rig.console.kernel).root(cluster, vat)) as Remote;

const startWith = async (
  cluster: string,
  options: RigOptions = {},
): Promise<Rig> => {
  const rig = await rigs.start({ ...options, baseUrl });
  await E(rig.console.kernel).launch(configs[cluster]);
  return rig;
};

describe.each(['memory', 'sqlite'] as const)('over %s', storage => {
  it('a hundred console calls leave no more rows than there were before', async () => {
    const rig = await rigs.start({ baseUrl, storage });
    await E(rig.console.kernel).launch(configs['demo']);
    const bob = await rootOf(rig, 'demo', 'bob');
    await E(bob).hello!('x');
    const { kernel } = rig.console;
    await E(kernel).collect();
    const before = await takeStock(rig);
    for (let call = 0; call < 100; call += 1) {
      await E(bob).hello!('x');
    }
    await Promise.all(Array.from({ length: 100 }, () => E(bob).hello!('y')));
    await E(bob).hello!('z'); // tells the kernel that all the answers were seen
    await E(kernel).collect();
    expect(listGrown(before, await takeStock(rig))).toEqual([]);
  });

  it('what was answered before a crash is there after it, and what was sent is done once at most', async () => {
    const rig = await rigs.start({ baseUrl, storage });
    await E(rig.console.kernel).launch(configs['counter']);
    const counter = await rootOf(rig, 'counter');
    const answers = Array.from({ length: 40 }, () => E(counter).increment!());
    const settled = Promise.allSettled(answers);
    const answered = Number(await answers[9]);
    const image = await rig.crash();
    const ends = await settled;
    const known = ends.filter(({ status }) => status === 'fulfilled').length;
    expect(answered).toBe(10);

    const next = await rigs.start({ baseUrl, image });
    const after = Number(await E(await rootOf(next, 'counter')).read!());
    expect(after).toBeGreaterThanOrEqual(known);
    expect(after).toBeLessThanOrEqual(40);
  });
});

it('after a crash at any commit the kernel starts, with all that was answered before and every cluster whole', async () => {
  const crashes: {
    image: NodeImage;
    answered: number;
    isIntroduced: boolean;
  }[] = [];
  let answered = 0;
  let isIntroduced = false;
  const rig = await rigs.start({
    baseUrl,
    onCommit: image => crashes.push({ image, answered, isIntroduced }),
  });
  const { kernel } = rig.console;
  await E(kernel).launch(configs['counter']);
  const counter = await rootOf(rig, 'counter');
  answered = Number(await E(counter).increment!());
  await E(kernel).launch(configs['demo']);
  await E(await rootOf(rig, 'demo')).introduce!();
  isIntroduced = true;
  answered = Number(await E(counter).increment!());
  await E(kernel).restart('counter');
  answered = Number(await E(counter).increment!());
  await E(kernel).keep('counted', counter);
  await rig.stop();
  expect(answered).toBe(3);

  for (const crash of crashes) {
    const next = await rigs.start({ baseUrl, image: crash.image });
    await next.kernel.idle();
    const { clusters } = next.kernel.status();
    const sizes = Object.fromEntries(
      clusters.map(({ name, vats }) => [name, vats.length]),
    );
    expect({ counter: 1, demo: 3 }).toMatchObject(sizes);
    if (sizes['counter'] !== undefined) {
      const count = Number(await E(await rootOf(next, 'counter')).read!());
      expect(count).toBeGreaterThanOrEqual(crash.answered);
    }
    if (crash.isIntroduced) {
      const bob = await rootOf(next, 'demo', 'bob');
      expect(await E((await E(bob).getFriend!()) as Remote).read!()).toEqual([
        'bob was here',
      ]);
    }
    await next.stop();
  }
}, 240_000);

it('a trivial console call takes one commit and at most 12 SQL statements', async () => {
  // Nothing is committed for its age, and nothing is folded: on a busy machine both could come between two calls.
  const rig = await startWith('demo', {
    epochMilliseconds: 60_000,
    foldMilliseconds: 60_000,
  });
  const bob = await rootOf(rig, 'demo', 'bob');
  await E(bob).hello!('x');
  await rig.kernel.idle();
  const before = { ...rig.db.counters };
  for (let call = 0; call < 100; call += 1) {
    await E(bob).hello!('x');
  }
  const after = { ...rig.db.counters };
  // What the console's collector finds meanwhile is told in a batch of its own.
  expect(after.commits - before.commits).toBeGreaterThanOrEqual(100);
  expect(after.commits - before.commits).toBeLessThanOrEqual(105);
  expect((after.statements - before.statements) / 100).toBeLessThanOrEqual(12);
});

describe('a session', () => {
  it('takes its objects and its promises along when it ends', async () => {
    const rig = await startWith('demo');
    const bob = await rootOf(rig, 'demo', 'bob');
    const other = rig.connect();
    const heard: string[] = [];
    const hisBob = await rootOf({ console: other }, 'demo', 'bob');
    await E(hisBob).subscribe!(
      Far('him', { heard: (text: string) => void heard.push(text) }),
    );
    const mine = E(bob).ask!('who?');
    const reason = mine.catch(error => error);
    await E(hisBob).answer!('who?', new Promise(() => {}));
    const pending = E(hisBob).ask!('never').catch(error => error);
    await rig.kernel.idle();
    expect(heard).toEqual(['you are listener 1']);

    other.close();
    expect(await pending).toMatchObject({ code: 'SESSION_CLOSED' });
    expect(await reason).toMatchObject({
      message: 'the client is gone',
    });
    expect(await E(bob).hello!('x')).toBe('Hello x, this is bob.');
    await rig.kernel.idle();
    expect(heard).toEqual(['you are listener 1']);
    const stock = await takeStock(rig);
    expect(stock['sessions']).toBe(1);
  });

  it('shares nothing with another but what vats hand over', async () => {
    const rig = await startWith('demo');
    const other = rig.connect();
    const mine = Far('mine', { heard: () => 'heard by me' });
    const bob = await rootOf(rig, 'demo', 'bob');
    const his = await rootOf({ console: other }, 'demo', 'bob');
    const question = E(his).ask!('who is there?');
    await E(bob).answer!('who is there?', mine);
    const friend = (await question) as Remote;
    expect(friend).not.toBe(mine);
    expect(await E(friend).heard!('x')).toBe('heard by me');
    other.close();
  });
});

describe('the rig', () => {
  it('refuses to end quietly when the kernel has failed', async () => {
    let isBroken = false;
    const rig = await startRig({
      afterCrank: () => {
        if (isBroken) {
          throw Error('a fault of the kernel');
        }
      },
      isChecked: false,
      baseUrl,
    });
    isBroken = true;
    await expect(
      E(rig.console.kernel).launch(configs['counter']),
    ).rejects.toThrow();
    expect(rig.kernel.status()).toMatchObject({ state: 'failed' });
    await expect(rig.stop()).rejects.toThrow(
      'the kernel is failed: a fault of the kernel',
    );
  });

  it('ends a vat that spins, and its thread', async () => {
    const rig = await startWith('rogue');
    const rogue = await rootOf(rig, 'rogue');
    const spinning = E(rogue).spin!().catch(error => error);
    const image = await rig.crash();
    expect(await spinning).toMatchObject({ code: 'SESSION_CLOSED' });
    const next = await rigs.start({ image, baseUrl });
    await E(next.console.kernel).terminate('rogue');
    expect(next.countVats()).toBe(0);
  });
});

/** A cluster of one rogue vat, with rules of its own. */
const launchRogue = async (rig: Rig, rules: object): Promise<Remote> => {
  const config = configs['rogue'];
  const rogue = { ...config?.vats['rogue'], ...rules };
  await E(rig.console.kernel).launch({ ...config, vats: { rogue } });
  return rootOf(rig, 'rogue');
};

describe('a vat that spins past its deadline', () => {
  it('is suspended, and goes on with what waits when a person resumes it', async () => {
    const rig = await startWith('demo');
    const rogue = await launchRogue(rig, { deadline: 250 });
    const bob = await rootOf(rig, 'demo', 'bob');
    const spinning = E(rogue).spin!().catch(error => error);
    const behind = E(rogue).attempt!('fetch', 'http://127.0.0.1:9/');
    expect(await E(bob).hello!('x')).toBe('Hello x, this is bob.');
    const { kernel } = rig.console;
    for (const incarnation of [2, 3, 4]) {
      await rig.kernel.idle();
      expect(rig.kernel.status().clusters[1]?.vats[0]).toMatchObject({
        state: 'suspended',
        reason: 'it did not finish its delivery within 0.25 s',
        incarnation,
      });
      await E(kernel).resume('rogue', 'rogue');
    }
    expect(await spinning).toMatchObject({
      message: expect.stringContaining('given up after 3 tries'),
    });
    expect(await behind).toBe('absent');
    await expect(E(kernel).resume('rogue')).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it('is tried three times where its policy is to restart, and goes on in a new incarnation', async () => {
    const rig = await startWith('demo', { deliveryMilliseconds: 250 });
    const rogue = await launchRogue(rig, { onFault: 'restart' });
    const bob = await rootOf(rig, 'demo', 'bob');
    const spinning = E(rogue).spin!();
    const behind = E(rogue).attempt!('fetch', 'http://127.0.0.1:9/');
    expect(await E(bob).hello!('x')).toBe('Hello x, this is bob.');
    await expect(spinning).rejects.toThrow('given up after 3 tries');
    expect(await behind).toBe('absent');
    expect(rig.kernel.status().clusters[1]?.vats[0]).toMatchObject({
      incarnation: 4,
      state: 'running',
    });
  });

  it('holds up no answer: status, restart and terminate come at once, and others go on', async () => {
    const rig = await startWith('demo', { deliveryMilliseconds: 60_000 });
    const { kernel } = rig.console;
    const bob = await rootOf(rig, 'demo', 'bob');
    const rogue = await launchRogue(rig, {});
    const spinning = E(rogue).spin!().catch(error => error);
    expect(await E(bob).hello!('x')).toBe('Hello x, this is bob.');
    expect(await E(kernel).status()).toMatchObject({ state: 'running' });
    await E(kernel).restart('rogue', 'rogue');
    expect(await E(bob).hello!('y')).toBe('Hello y, this is bob.');
    expect(rig.kernel.status().clusters[1]?.vats[0]).toMatchObject({
      incarnation: 2,
    });
    await E(kernel).terminate('rogue');
    expect(await spinning).toMatchObject({
      message: expect.stringContaining('was terminated'),
    });
    expect(await E(bob).hello!('z')).toBe('Hello z, this is bob.');
  });
});
