import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { decodeRows } from '@cooperage/protocol';
import { E } from '@endo/far';
import { describe, expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import { listGrown, takeStock, type Rig, type RigOptions } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

const scriptOf = (source: string) => ({
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source,
    imports: ['@endo/far', '@endo/promise-kit', '@agoric/vat-data'],
  }),
});

/**
 * A vat that counts on its heap and in its store, exports objects of both
 * kinds, and watches promises. `version` shows which code runs.
 */
const codeOf = (
  version: number,
  { setUp = '', kinds = ['Thing', 'Watcher'], more = '' } = {},
) =>
  scriptOf(`imports => {
  const { Far } = imports['@endo/far'];
  const { makePromiseKit } = imports['@endo/promise-kit'];
  const { prepareExo, prepareExoClass, provide, watchPromise } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    ${setUp}
    const has = name => ${JSON.stringify(kinds)}.includes(name);
    provide(baggage, 'count', () => 0);
    provide(baggage, 'seen', () => harden([]));
    let heap = 0;
    const thing = has('Thing') && prepareExo(baggage, 'Thing', undefined, { version: () => ${version} });
    const note = text => baggage.set('seen', harden([...baggage.get('seen'), text]));
    const watcher = has('Watcher') && prepareExo(baggage, 'Watcher', undefined, {
      onFulfilled: value => note(['fulfilled', value]),
      onRejected: reason => note(['rejected', reason]),
    });
    const kits = [];
    return Far('Root', {
      version: () => ${version},
      parameters: () => parameters,
      increment: () => {
        heap += 1;
        baggage.set('count', baggage.get('count') + 1);
        return harden({ heap, count: baggage.get('count') });
      },
      thing: () => thing,
      fleeting: () => Far('Fleeting', { ping: () => 'pong' }),
      never: () => { const kit = makePromiseKit(); kits.push(kit); return kit.promise; },
      settle: value => kits.forEach(kit => kit.resolve(value)),
      watch: promise => { watchPromise(promise, watcher); },
      watchOwn: () => { const kit = makePromiseKit(); kits.push(kit); watchPromise(kit.promise, watcher); },
      seen: () => baggage.get('seen'),
      clear: () => baggage.set('seen', harden([])),
      spin: () => { for (;;); },
      ${more}
    });
  };
  return { buildRootObject };
}`);

const start = async (
  vats: readonly string[] = ['main'],
  options: RigOptions = {},
  config: object = {},
): Promise<Rig> => {
  const rig = await rigs.start({ storage: 'memory', ...options });
  await E(rig.console.kernel).launch({
    name: 'test',
    vats: Object.fromEntries(
      vats.map(name => [
        name,
        { bundle: codeOf(1), parameters: { first: true }, ...config },
      ]),
    ),
  });
  return rig;
};

const rootOf = async (rig: Rig, vat = 'main'): Promise<Remote> =>
  (await E(rig.console.kernel).root('test', vat)) as Remote;

/** A promise that it decides; whoever watches it hears of its end, and not this console. */
const neverOf = (vat: Remote): Promise<unknown> => {
  const promise = E(vat).never!();
  promise.catch(() => {});
  return promise;
};

const statusOf = (rig: Rig, vat = 'main') =>
  rig.kernel
    .status()
    .clusters.flatMap(({ vats }) => vats)
    .find(({ name }) => name === vat);

/** All that a vat has stored, folded or not. */
const storeOf = ({ kernel, stores }: Rig): Record<string, string | null> => {
  const [row] = [...kernel.state.vats.values()];
  if (!row) {
    throw Error('no vat');
  }
  const changes = kernel.state.changesByVat.values(row.id);
  return Object.fromEntries([
    ...decodeRows(stores.read(row.id).image),
    ...changes.map(({ key, value }) => [key, value]),
  ]);
};

const disconnection = (incarnationNumber: number, upgradeMessage: string) => ({
  name: 'vatUpgraded',
  upgradeMessage,
  incarnationNumber,
});

describe('an upgraded vat', () => {
  it('runs other code over its store, with its durable objects as they were and its heap gone', async () => {
    const rig = await start();
    const { kernel } = rig.console;
    const root = await rootOf(rig);
    await E(root).increment!();
    const thing = (await E(root).thing!()) as Remote;
    const fleeting = (await E(root).fleeting!()) as Remote;
    const open = E(root).never!();
    const opened = open.catch((reason: unknown) => reason);
    expect(await E(fleeting).ping!()).toBe('pong');

    expect(
      await E(kernel).upgrade('test', 'main', codeOf(2), {
        parameters: { second: [2] },
        upgradeMessage: 'to the second',
      }),
    ).toEqual({ incarnation: 2 });
    expect(await opened).toEqual(disconnection(1, 'to the second'));
    expect(await E(root).version!()).toBe(2);
    expect(await E(root).parameters!()).toEqual({ second: [2] });
    expect(await E(root).increment!()).toEqual({ heap: 1, count: 2 });
    expect(await E(thing).version!()).toBe(2);
    expect(await E(root).thing!()).toBe(thing);
    await expect(E(fleeting).ping!()).rejects.toThrow('is gone');

    await E(kernel).upgrade('test', 'main', codeOf(3));
    expect(await E(root).version!()).toBe(3);
    expect(await E(root).parameters!()).toEqual({ second: [2] });
    expect(statusOf(rig)).toMatchObject({ state: 'running', incarnation: 3 });
    expect(rig.db.load('bundles')).toHaveLength(1);
    expect(rig.countVats()).toBe(1);
  });

  it('gets what was sent to it meanwhile, in order', async () => {
    const rig = await start();
    const { kernel } = rig.console;
    const root = await rootOf(rig);
    const upgraded = E(kernel).upgrade('test', 'main', codeOf(2));
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => E(root).increment!()),
    );
    await upgraded;
    expect(answers.map(answer => Object(answer).count)).toEqual([
      1, 2, 3, 4, 5,
    ]);
    expect(await E(root).version!()).toBe(2);
  });

  it.each(['upgrade', 'restart'] as const)(
    'hears of the promises that it watched: after its own %s, and after that of their decider',
    async how => {
      const rig = await start(['main', 'other']);
      const { kernel } = rig.console;
      const [main, other] = [await rootOf(rig), await rootOf(rig, 'other')];
      const renew = async (vat: string): Promise<void> => {
        if (how === 'upgrade') {
          await E(kernel).upgrade('test', vat, codeOf(2));
        } else {
          await E(kernel).restart('test', vat);
        }
      };
      const message =
        how === 'upgrade' ? 'vat upgraded' : 'restarted by a person';
      // Decided by another that lives on.
      await E(main).watch!(neverOf(other));
      // Decided by the vat itself, and so by nobody once its heap is gone.
      await E(main).watchOwn!();
      await renew('main');
      await E(other).settle!('at last');
      await rig.kernel.idle();
      expect(await E(main).seen!()).toEqual([
        ['rejected', disconnection(1, message)],
        ['fulfilled', 'at last'],
      ]);
      // Decided by another that is renewed.
      await E(main).watch!(neverOf(other));
      await renew('other');
      await rig.kernel.idle();
      expect(Object(await E(main).seen!())[2]).toEqual([
        'rejected',
        disconnection(1, message),
      ]);
    },
  );

  it('leaves no more rows after ten upgrades than after one (invariant 12)', async () => {
    const rig = await start(['main', 'other'], { isChecked: false });
    const { kernel } = rig.console;
    const [main, other] = [await rootOf(rig), await rootOf(rig, 'other')];
    const renew = async (): Promise<void> => {
      await E(main).watch!(neverOf(other));
      await E(main).watchOwn!();
      await E(kernel).upgrade('test', 'main', codeOf(2));
      await E(other).settle!('x');
      await E(main).clear!();
    };
    const count = async () => {
      await E(kernel).collect();
      return {
        ...(await takeStock(rig)),
        files: 0,
        stored: Object.values(storeOf(rig)).filter(value => value !== null)
          .length,
      };
    };
    await renew();
    const before = await count();
    for (let nth = 1; nth < 10; nth += 1) {
      await renew();
    }
    expect(listGrown(before, await count())).toEqual([]);
  }, 240_000);
});

describe('an upgrade that fails', () => {
  const failures: Record<string, [bundle: object, problem: RegExp]> = {
    'throws in buildRootObject': [
      codeOf(2, { setUp: `throw Error('no such luck');` }),
      /no such luck/,
    ],
    'has lost a durable kind': [
      codeOf(2, { kinds: ['Watcher'] }),
      /Thing|kind/,
    ],
    'awaits for ever in buildRootObject': [
      scriptOf(`imports => ({ buildRootObject: () => new Promise(() => {}) })`),
      /buildRootObject unresolved/,
    ],
    'spins in buildRootObject': [
      codeOf(2, { setUp: 'for (;;);' }),
      /did not finish its delivery within 0\.3 s/,
    ],
    "can't be evaluated": [scriptOf('this is no code'), /./],
    'ends itself': [
      codeOf(2, { setUp: `vatPowers.exitVat('done');` }),
      /ended itself while it started/,
    ],
    "can't be fetched": [{ url: 'http://127.0.0.1:9/x.json' }, /fetched/],
    'is no bundle': [{ text: '{}' }, /moduleFormat/],
  };

  it.each(Object.entries(failures))(
    'because the new code %s leaves the old heap running and the store as it was, byte for byte',
    async (_, [bundle, problem]) => {
      const rig = await start(['main'], {}, { deadline: 300 });
      const { kernel } = rig.console;
      const root = await rootOf(rig);
      const fleeting = (await E(root).fleeting!()) as Remote;
      const open = E(root).never!();
      await E(root).increment!();
      await E(kernel).collect();
      const before = storeOf(rig);
      const rows = [...rig.kernel.state.vats.values()];
      const upgraded = E(kernel).upgrade('test', 'main', Object(bundle));
      const failed = await upgraded.catch((reason: unknown) => reason);
      expect(failed).toMatchObject({
        code: expect.stringMatching(
          /^(UPGRADE_FAILED|BAD_BUNDLE|BUNDLE_UNREACHABLE)$/,
        ),
        message: expect.stringMatching(problem),
      });
      expect(storeOf(rig)).toEqual(before);
      expect([...rig.kernel.state.vats.values()]).toEqual(
        rows.map(row => ({ ...row, fold: expect.any(Number) })),
      );
      expect(rig.db.load('bundles')).toHaveLength(1);
      expect(await E(root).increment!()).toEqual({ heap: 2, count: 2 });
      expect(await E(fleeting).ping!()).toBe('pong');
      await E(root).settle!('kept');
      expect(await open).toBe('kept');
      expect(rig.countVats()).toBe(1);
      expect(await E(root).version!()).toBe(1);
    },
    240_000,
  );
});

describe('a vat without a heap', () => {
  it('that spun and was suspended runs again when it gets other code', async () => {
    const rig = await start(['main'], {}, { deadline: 300 });
    const { kernel } = rig.console;
    const root = await rootOf(rig);
    await E(root).increment!();
    const spinning = E(root).spin!();
    await rig.kernel.idle();
    expect(statusOf(rig)).toMatchObject({ state: 'suspended' });
    const waiting = E(root).version!();

    const bad = codeOf(2, { setUp: `throw Error('worse');` });
    await expect(E(kernel).upgrade('test', 'main', bad)).rejects.toThrow(
      'worse',
    );
    expect(statusOf(rig)).toMatchObject({
      state: 'suspended',
      reason: 'it did not finish its delivery within 0.3 s',
      incarnation: 2,
    });

    const fixed = codeOf(2, { more: `spin: () => 'spun',` });
    await E(kernel).upgrade('test', 'main', fixed);
    expect(await spinning).toBe('spun');
    expect(await waiting).toBe(2);
    expect(await E(root).increment!()).toEqual({ heap: 1, count: 2 });
    expect(statusOf(rig)).toMatchObject({ state: 'running', incarnation: 3 });
  });

  it('gets other code while it spins: when its deadline has come', async () => {
    const rig = await start(['main'], {}, { deadline: 300 });
    const root = await rootOf(rig);
    const spinning = E(root).spin!();
    const fixed = codeOf(2, { more: `spin: () => 'spun',` });
    await E(rig.console.kernel).upgrade('test', 'main', fixed);
    expect(await spinning).toBe('spun');
  });

  it('sleeps after a crash, and gets other code or keeps its own', async () => {
    const rig = await start();
    await E(await rootOf(rig)).increment!();
    const next = await rigs.start({ image: await rig.crash() });
    const { kernel } = next.console;
    const bad = codeOf(2, { setUp: `throw Error('worse');` });
    await expect(E(kernel).upgrade('test', 'main', bad)).rejects.toThrow(
      'worse',
    );
    expect(statusOf(next)).toMatchObject({ incarnation: 2 });
    await E(kernel).upgrade('test', 'main', codeOf(2));
    const root = await rootOf(next);
    expect(await E(root).increment!()).toEqual({ heap: 1, count: 2 });
    expect(statusOf(next)).toMatchObject({ incarnation: 3 });
  });
});

it('a crash at any commit of an upgrade leaves the vat wholly as it was, or wholly renewed (invariant 10)', async () => {
  const crashes: { image: NodeImage; count: number; version: number }[] = [];
  let count = 0;
  let version = 1;
  const rig = await start(['main', 'other'], {
    onCommit: image => {
      if (count > 0) {
        crashes.push({ image, count, version });
      }
    },
  });
  const { kernel } = rig.console;
  const [main, other] = [await rootOf(rig), await rootOf(rig, 'other')];
  const increment = async (): Promise<void> => {
    ({ count } = Object(await E(main).increment!()));
  };
  await increment();
  await E(main).watch!(neverOf(other));
  await E(main).watchOwn!();
  const bad = codeOf(2, { setUp: `throw Error('worse');` });
  await E(kernel)
    .upgrade('test', 'main', bad)
    .catch(() => {});
  await increment();
  const sent = increment();
  await E(kernel).upgrade('test', 'main', codeOf(2), { parameters: 'new' });
  version = 2;
  await sent;
  await increment();
  await rig.stop();
  expect(count).toBe(4);

  for (const crash of crashes) {
    const next = await rigs.start({ image: crash.image });
    const root = await rootOf(next);
    const found = Number(await E(root).version!());
    expect(found).toBeGreaterThanOrEqual(crash.version);
    expect(await E(root).parameters!()).toEqual(
      found === 2 ? 'new' : { first: true },
    );
    const counted = Object(await E(root).increment!()).count;
    expect(counted).toBeGreaterThan(crash.count);
    expect(counted).toBeLessThanOrEqual(5);
    await next.stop();
  }
}, 240_000);
