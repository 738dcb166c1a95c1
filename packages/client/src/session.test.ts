import './lockdown.ts';
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';
import { getInterfaceOf, makeTagged, passStyleOf } from '@endo/marshal';
import { makePromiseKit } from '@endo/promise-kit';
import fc from 'fast-check';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { makeWorld, type Remote } from './test/world.ts';

const { is } = Object;

/** Whether two passables say the same; references are compared by `sameRef`. */
const same = (
  left: unknown,
  right: unknown,
  sameRef: (left: unknown, right: unknown) => boolean = is,
): boolean => {
  if (left instanceof Error || right instanceof Error) {
    return (
      left instanceof Error &&
      right instanceof Error &&
      left.name === right.name &&
      left.message === right.message
    );
  }
  if (
    typeof left !== 'object' ||
    typeof right !== 'object' ||
    left === null ||
    right === null
  ) {
    return is(left, right);
  }
  const style = passStyleOf(left as never) as string;
  if (style !== (passStyleOf(right as never) as string)) {
    return false;
  }
  if (style === 'remotable' || style === 'promise') {
    return sameRef(left, right);
  }
  if (style === 'tagged') {
    const [a, b] = [left, right] as {
      payload: unknown;
      [Symbol.toStringTag]: string;
    }[];
    return (
      a![Symbol.toStringTag] === b![Symbol.toStringTag] &&
      same(a!.payload, b!.payload, sameRef)
    );
  }
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every(key =>
      same(Reflect.get(left, key), Reflect.get(right, key), sameRef),
    )
  );
};

/** Gives what it gets and keeps it. */
const makeMirror = () => {
  const got: unknown[] = [];
  const mirror = Far('Mirror', {
    give: (value: unknown) => {
      got.push(value);
      return value;
    },
    tell: (value: unknown) => {
      got.push(value);
    },
    fail: (name: string, message: string) => {
      throw name === 'TypeError' ? TypeError(message) : Error(message);
    },
    wait: (promise: unknown) => E.when(promise, value => harden([value])),
    call: (target: Remote, ...args: unknown[]) => E(target).call!(...args),
  });
  return { mirror, got };
};

const asFunction = (value: object) => value as (n: number) => Promise<number>;

const turn = () => new Promise<void>(resolve => setImmediate(resolve));

describe('values', () => {
  const data: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a bigint', -(2n ** 80n)],
    ['NaN', NaN],
    ['infinity', Infinity],
    ['negative infinity', -Infinity],
    ['a boolean', true],
    [
      'strings that smallcaps escapes',
      ['#undefined', '$0', '&0', '!x', '%y', '+1', '"$0.Alleged: x (ko1)"'],
    ],
    ['a symbol', Symbol.for('here')],
    ['an error', TypeError('no')],
    ['nested data', { a: [{ b: [[], {}] }], $x: 1, '#tag': 'y' }],
    ['names that objects inherit', { valueOf: 1, hasOwnProperty: [2] }],
    ['a tagged value', makeTagged('set', harden([1n, 'two']))],
  ];
  test.each(data)('%s passes both ways', async (_name, value) => {
    const { mirror, got } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    const back = await E(remote).give!(harden(value));
    expect(same(got[0], value)).toBe(true);
    expect(same(back, value)).toBe(true);
  });

  test('-0 arrives as 0, as marshal has it', async () => {
    const { mirror } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    expect(is(await E(remote).give!(-0), 0)).toBe(true);
  });

  const leaf = fc.oneof(
    fc.constant(undefined),
    fc.constant(null),
    fc.boolean(),
    fc.double().map(number => (is(number, -0) ? 0 : number)),
    fc.bigInt(),
    fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()),
    fc.constantFrom(
      '$0',
      '&1',
      '#NaN',
      '"$0.Alleged: a (ko1)"',
      '\\"$0.',
      Symbol.iterator,
    ),
    fc.string().map(text => RangeError(text)),
    fc.constantFrom('thing', 'promise').map(kind => ({ ref: kind })),
  );
  const passable = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      tie('list'),
      tie('record'),
      tie('tagged'),
    ),
    list: fc.array(tie('value'), { maxLength: 5 }),
    // No fc.dictionary: it assigns, and in a locked realm nothing can be assigned to `valueOf`.
    record: fc
      .array(
        fc.tuple(
          fc
            .string()
            .filter(key => !['__proto__', 'ref', 'then'].includes(key)),
          tie('value'),
        ),
        { maxLength: 5 },
      )
      .map(entries => Object.fromEntries(entries)),
    tagged: fc
      .tuple(fc.string(), tie('value'))
      .map(([tag, value]) => ({ tag, value })),
  })).value;

  test('any value of data, references and promises passes both ways', async () => {
    const { mirror, got } = makeMirror();
    const world = makeWorld();
    const { remote, far } = await world.joinTwo(mirror);
    const thing = Far('Thing', {});
    const build = (spec: unknown): unknown => {
      if (Array.isArray(spec)) return spec.map(build);
      if (typeof spec !== 'object' || spec === null || spec instanceof Error)
        return spec;
      if (Object.hasOwn(spec, 'ref')) {
        const { ref } = spec as { ref: string };
        return ref === 'thing' ? thing : Promise.resolve(thing);
      }
      if (Object.keys(spec).join() === 'tag,value') {
        const { tag, value } = spec as { tag: string; value: unknown };
        return makeTagged(tag, harden(build(value)) as never);
      }
      return Object.fromEntries(
        Object.entries(spec).map(([key, field]) => [key, build(field)]),
      );
    };
    await fc.assert(
      fc.asyncProperty(passable, async spec => {
        got.length = 0;
        const value = harden(build(spec));
        const back = await E(remote).give!(harden([value]));
        const isThing = async (left: unknown, right: unknown) =>
          (await left) === thing && (await right) === thing;
        const checks: Promise<boolean>[] = [];
        expect(
          same(
            harden([value]),
            back,
            (l, r) => (checks.push(isThing(l, r)), true),
          ),
        ).toBe(true);
        expect(same(harden([value]), got[0], () => true)).toBe(true);
        expect(await Promise.all(checks)).not.toContain(false);
      }),
      { numRuns: 300 },
    );
    expect(far.session.reasonOfEnd()).toBeUndefined();
  });
});

describe('presences', () => {
  test('an object keeps its identity on its way out and back', async () => {
    const { mirror, got } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    const mine = Far('Mine', {});
    expect(await E(remote).give!(mine)).toBe(mine);
    expect(await E(remote).give!(remote)).toBe(remote);
    expect(got[1]).toBe(mirror);
  });

  test('a presence shows its interface and kref, and is sent with its own interface', async () => {
    const { mirror, got } = makeMirror();
    const world = makeWorld();
    const { remote, near } = await world.joinTwo(mirror);
    await E(remote).give!(Far('Counter', {}));
    const presence = got[0] as object;
    expect(getInterfaceOf(presence)).toMatch(/^Alleged: Counter \(ko\d+\)$/);
    expect(inspect(presence)).toMatch(/Alleged: Counter \(ko\d+\)/);
    await E(near.echo).hold!(presence, '"$0.Alleged: Counter (ko9)"');
    const sent = near.kernelSide.applied
      .filter(([name]) => name === 'send')
      .at(-1)!;
    expect(sent[2]).toMatchObject({
      methargs: {
        body: '#["hold",["$0.Alleged: Counter","!\\"$0.Alleged: Counter (ko9)\\""]]',
      },
    });
  });

  test('a local object is called back', async () => {
    const { mirror } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    const calls: unknown[] = [];
    const me = Far('me', {
      call: (...args: unknown[]) => (calls.push(args), 'called'),
    });
    expect(await E(remote).call!(me, 1n, 'x')).toBe('called');
    expect(calls).toEqual([[1n, 'x']]);
  });

  test('functions are called, properties fetched, and one-way messages have no result', async () => {
    const world = makeWorld();
    const { far, near, remote } = await world.joinTwo(
      Far('double', (n: number) => n * 2),
    );
    expect(await E(asFunction(remote))(21)).toBe(42);
    const { mirror, got } = makeMirror();
    const other = await world.introduce(near, far, mirror);
    E.sendOnly(other).tell!('one way');
    expect(await E(other).give!(1)).toBe(1);
    expect(got).toEqual(['one way', 1]);
    expect(
      await E.get(E(other).give!(harden({ a: 5 })) as Promise<{ a: number }>).a,
    ).toBe(5);
    await expect(E.get(other).nothing).resolves.toBeUndefined();
  });

  test('errors are readable: name and message, no stack of the decoder', async () => {
    const { mirror } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    const problem = await E(remote).fail!('TypeError', 'no such purse').catch(
      (e: unknown) => e,
    );
    expect(problem).toBeInstanceOf(TypeError);
    expect(String(problem)).toBe('TypeError: no such purse');
    expect(inspect(problem)).toBe('[TypeError: no such purse]');
    expect(Reflect.get(problem as Error, 'stack')).not.toContain('at ');
    await expect(E(remote).nope!()).rejects.toThrow(
      /target has no method "nope"/,
    );
    await expect(E(remote).give!(new Map())).rejects.toThrow(/Map/);
  });
});

describe('promises', () => {
  test('messages to an unresolved result leave at once and are answered in order', async () => {
    const kit = makePromiseKit<unknown>();
    const log: unknown[] = [];
    const inner = Far('Inner', { add: (n: unknown) => (log.push(n), n) });
    const { far, remote } = await makeWorld().joinTwo(
      Far('Slow', { get: () => kit.promise }),
    );
    const result = E(remote).get!() as Promise<Remote>;
    const answers = [E(result).add!(1), E(result).add!(2)];
    await turn();
    expect(
      far.kernelSide.applied.filter(([name]) => name === 'send'),
    ).toHaveLength(3);
    kit.resolve(inner);
    expect(await Promise.all(answers)).toEqual([1, 2]);
    expect(log).toEqual([1, 2]);
  });

  test('a pending result is passed by its reference and pipelined through', async () => {
    const { mirror } = makeMirror();
    const { far, remote } = await makeWorld().joinTwo(mirror);
    const me = Far('me', { call: () => 'mine' });
    const pending = E(remote).give!(me);
    expect(await E(remote).call!(pending)).toBe('mine');
    expect(
      far.kernelSide.applied.filter(([name]) => name === 'resolve'),
    ).toEqual([expect.arrayContaining(['resolve'])]);
  });

  test.each([
    ['data', 7],
    ['a record', { a: [1] }],
  ])(
    'a promise that is passed and then resolves to %s arrives',
    async (_name, value) => {
      const { mirror } = makeMirror();
      const { remote } = await makeWorld().joinTwo(mirror);
      const kit = makePromiseKit<unknown>();
      const answer = E(remote).wait!(kit.promise);
      await turn();
      kit.resolve(harden(value));
      expect(await answer).toEqual([value]);
    },
  );

  test('a promise that is passed resolves to a presence, to an object of ours, or along another promise', async () => {
    const { mirror } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    const mine = Far('mine', {});
    const kits = [0, 1, 2].map(() => makePromiseKit<unknown>());
    const answers = kits.map(({ promise }) => E(remote).wait!(promise));
    await turn();
    kits[0]!.resolve(remote);
    kits[1]!.resolve(mine);
    kits[2]!.resolve(kits[1]!.promise);
    expect(await Promise.all(answers)).toEqual([[remote], [mine], [mine]]);
  });

  test('a promise that is passed and rejects, rejects there', async () => {
    const { mirror } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    const kit = makePromiseKit<unknown>();
    const answer = E(remote).wait!(kit.promise);
    await turn();
    kit.reject(RangeError('too far'));
    await expect(answer).rejects.toThrow(/^too far$/);
  });

  test('promises whose values name each other pass and end', async () => {
    const { mirror, got } = makeMirror();
    const { far, near, remote } = await makeWorld().joinTwo(mirror);
    const kits = [makePromiseKit<unknown>(), makePromiseKit<unknown>()];
    kits[0]!.resolve(harden([kits[1]!.promise]));
    kits[1]!.resolve(harden([kits[0]!.promise]));
    await E(remote).tell!(kits[0]!.promise);
    const one = (await got[0]) as Promise<unknown>[];
    const two = (await one[0]) as Promise<unknown>[];
    const three = (await two[0]) as Promise<unknown>[];
    expect(three).toHaveLength(1);
    await turn();
    const before = far.kernelSide.applied.length;
    await turn();
    expect(far.kernelSide.applied.length).toBe(before);
    expect(near.session.reasonOfEnd()).toBeUndefined();
  });

  test('a settled promise gets a fresh reference when it is sent again', async () => {
    const { mirror } = makeMirror();
    const { far, remote } = await makeWorld().joinTwo(mirror);
    const promise = harden(Promise.resolve(5));
    await E(remote).wait!(promise);
    await E(remote).wait!(promise);
    const resolved = far.kernelSide.applied.flatMap(syscall =>
      syscall[0] === 'resolve' ? syscall[1].map(([vref]) => vref) : [],
    );
    expect(resolved).toHaveLength(2);
    expect(new Set(resolved).size).toBe(2);
  });

  test('a message of ours that comes back along its promise is answered by our own object', async () => {
    const { mirror } = makeMirror();
    const { far, remote } = await makeWorld().joinTwo(mirror);
    const me = Far('me', { who: () => 'me' });
    const result = E(E(remote).give!(me) as Promise<Remote>).who!();
    expect(await result).toBe('me');
    expect(far.session.reasonOfEnd()).toBeUndefined();
  });

  test('no promise stays in a c-list when all are settled', async () => {
    const { mirror } = makeMirror();
    const { far, near, remote } = await makeWorld().joinTwo(mirror);
    for (const value of [1, 2, 3]) {
      await E(remote).wait!(Promise.resolve(value));
    }
    // One more message carries `seen` past the last notify.
    E.sendOnly(remote).tell!(0);
    await turn();
    const open = [far, near].map(({ kernelSide }) =>
      kernelSide.vrefs().filter(vref => vref.startsWith('p')),
    );
    expect(open).toEqual([[], expect.any(Array)]);
  });

  test('a message to a promise that crosses its notify arrives', async () => {
    const kit = makePromiseKit<unknown>();
    const inner = Far('Inner', { hi: () => 'hi' });
    const { far, remote } = await makeWorld().joinTwo(
      Far('Slow', { get: () => kit.promise }),
    );
    const result = E(remote).get!() as Promise<Remote>;
    await turn();
    const fence = far.pair.fence();
    kit.resolve(inner);
    await turn();
    expect(far.kernelSide.delivered.at(-1)![0]).toBe('notify');
    const answer = E(result).hi!();
    await turn();
    fence.release();
    expect(await answer).toBe('hi');
  });

  test('a promise of ours that comes back while its resolution is under way is the same promise', async () => {
    const got: unknown[] = [];
    const me = Far('me', { take: (values: unknown[]) => got.push(values[0]) });
    const holder = Far('Holder', {
      send: (target: Remote, value: unknown) =>
        E(target).take!(harden([value])),
    });
    const { far, near, remote } = await makeWorld().joinTwo(holder);
    const kit = makePromiseKit<unknown>();
    const nearFence = near.pair.fence();
    const answer = E(remote).send!(me, kit.promise);
    await turn();
    const farFence = far.pair.fence();
    nearFence.release();
    await turn();
    // The promise is on its way back.
    expect(far.kernelSide.delivered.at(-1)![0]).toBe('message');
    expect(got).toEqual([]);
    kit.resolve('settled');
    await turn();
    farFence.release();
    await answer;
    expect(got[0]).toBe(kit.promise);
    expect(far.session.reasonOfEnd()).toBeUndefined();
  });

  test('an answer that has arrived gets a fresh reference when it is sent', async () => {
    const { mirror } = makeMirror();
    const { far, remote } = await makeWorld().joinTwo(mirror);
    const answer = E(remote).give!(1);
    await answer;
    await E(remote).wait!(answer);
    const sends = far.kernelSide.applied.flatMap(syscall =>
      syscall[0] === 'send' ? [syscall[2]] : [],
    );
    expect(sends.at(-1)!.methargs.slots).toHaveLength(1);
    expect(sends.map(({ result }) => result)).not.toContain(
      sends.at(-1)!.methargs.slots[0],
    );
  });

  test('a message that is too large rejects and harms nothing', async () => {
    const { mirror } = makeMirror();
    const { remote } = await makeWorld().joinTwo(mirror);
    await expect(E(remote).give!('x'.repeat(5_000_000))).rejects.toThrow(
      /larger than 4000000; send it in parts/,
    );
    expect(await E(remote).give!(2)).toBe(2);
  });

  test('data that is malformed spoils one message or one answer and nothing else', async () => {
    const { mirror } = makeMirror();
    const { far, near, remote } = await makeWorld().joinTwo(mirror);
    const kit = makePromiseKit<unknown>();
    const first = near.session.vrefOf(mirror)!;
    const data = { body: '#["&7"', slots: [] };
    far.kernelSide.syscalls({
      syscalls: [['send', far.session.vrefOf(remote)!, { methargs: data }]],
      seen: 0,
    });
    expect(await E(remote).give!(1)).toBe(1);
    const answer = E(remote).wait!(kit.promise);
    await turn();
    const pending = near.kernelSide.delivered.at(-1)!;
    if (pending[0] !== 'message') throw Error('not a message');
    const [, target, { result }] = pending;
    expect(target).toBe(first);
    near.kernelSide.syscalls({
      syscalls: [['resolve', [[result!, false, data]]]],
      seen: 0,
    });
    await expect(answer).rejects.toThrow(/JSON/);
    expect(await E(remote).give!(2)).toBe(2);
    expect([far, near].map(({ session }) => session.reasonOfEnd())).toEqual([
      undefined,
      undefined,
    ]);
  });
});

describe('the end of a session', () => {
  const never = Far('Never', { get: () => makePromiseKit<unknown>().promise });
  const closed = { code: 'SESSION_CLOSED' };

  test.each(['kernel', 'wire', 'client'])(
    'by the %s rejects what is pending and what follows',
    async who => {
      const { far, remote } = await makeWorld().joinTwo(never);
      const pending = E(remote).get!();
      const pipelined = E(pending as Promise<Remote>).more!();
      await turn();
      if (who === 'kernel') far.end('the kernel stops');
      if (who === 'wire') far.pair.cut();
      if (who === 'client') far.session.close();
      await expect(pending).rejects.toMatchObject(closed);
      await expect(pipelined).rejects.toMatchObject(closed);
      await expect(E(remote).get!()).rejects.toMatchObject({
        ...closed,
        message: expect.stringMatching(/get them again by E\(kernel\)\.root/),
      });
      await expect(far.session.call('status', {})).rejects.toMatchObject(
        closed,
      );
    },
  );

  test('a presence of an ended session is not passed in another', async () => {
    const { mirror } = makeMirror();
    const world = makeWorld();
    const { near, far, remote } = await world.joinTwo(mirror);
    const third = await world.addClient();
    const other = await world.introduce(near, third, mirror);
    far.session.close();
    await expect(E(other).give!(remote)).rejects.toMatchObject(closed);
  });
});

describe('garbage', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  /** What dies late, with a frame or in a task of its own, is found by a later round. */
  const collectUntil = async (isSo: () => boolean): Promise<void> => {
    for (let rounds = 0; !isSo(); rounds += 1) {
      expect(rounds).toBeLessThan(500);
      gc();
      await turn();
    }
  };

  test('a collected import is dropped, its export released, and both come again', async () => {
    const world = makeWorld();
    const { mirror } = makeMirror();
    const { near, far, remote } = await world.joinTwo(mirror);
    const makeThings = Far('Things', {
      make: () => Far('Thing', { hi: () => 'hi' }),
    });
    const maker = await world.introduce(near, far, makeThings);
    const use = async () => {
      const thing = (await E(maker).make!()) as Remote;
      expect(await E(thing).hi!()).toBe('hi');
      return far.session.vrefOf(thing)!;
    };
    const vref = await use();
    const retired = () =>
      near.kernelSide.applied.filter(([name]) => name === 'retireExports');
    await collectUntil(() => retired().length > 0);
    expect(far.kernelSide.applied).toContainEqual(['dropImports', [vref]]);
    expect(far.kernelSide.vrefs()).not.toContain(vref);
    expect(
      near.kernelSide.delivered.filter(([name]) => name === 'dropExports'),
    ).toHaveLength(1);
    expect(retired()).toHaveLength(1);
    expect(await E(remote).give!(4)).toBe(4);
  });

  test('an import that is dropped can be imported again by its kref', async () => {
    const world = makeWorld();
    const { near, far } = await world.joinTwo(makeMirror().mirror);
    const object = Far('Kept', { hi: () => 'hi' });
    const first = await (async () => {
      const presence = await world.introduce(near, far, object);
      return far.session.vrefOf(presence)!;
    })();
    await collectUntil(() => !far.kernelSide.vrefs().includes(first));
    const again = await world.introduce(near, far, object);
    expect(await E(again).hi!()).toBe('hi');
  });
});
