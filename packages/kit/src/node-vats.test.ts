import 'ses';
import {
  DEFAULT_VAT_LIMITS,
  ROOT_VREF,
  compareKeys,
  encodeJson,
  encodeRows,
  makeVatId,
  type CapData,
  type CrankBounds,
  type Delivery,
  type FromVat,
  type LogLevel,
  type Row,
  type StoreChange,
  type ToVat,
  type VatLimits,
  type Vref,
} from '@cooperage/protocol';
import bundleSource from '@endo/bundle-source';
import { ModuleSource } from '@endo/module-source';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { provideNodeVatText } from './node-vat-text.ts';
import { makeNodeVats } from './node-vats.ts';

type Done = Extract<FromVat, { type: 'done' }>;
type Log = Extract<FromVat, { type: 'log' }>;

const vats = makeNodeVats();
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) {
    end();
  }
});

const json = (value: Parameters<typeof encodeJson>[0]): CapData =>
  encodeJson(value, name => name as Vref);

const script = (source: string, imports: readonly string[] = ['@endo/far']) =>
  JSON.stringify({ moduleFormat: 'cooperageScript', source, imports });

/** A vat whose root has these methods. */
const rootScript = (methods: string) =>
  script(`imports => {
  const { Far, E } = imports['@endo/far'];
  const buildRootObject = (vatPowers, parameters, baggage) => Far('root', { ${methods} });
  return { buildRootObject };
}`);

type Options = {
  rows?: readonly Row[];
  endowments?: readonly string[];
  limits?: Partial<VatLimits>;
  narrowed?: Partial<CrankBounds>;
  logLevel?: LogLevel;
};

/** Plays the kernel for one vat. */
const launch = async (bundle: string, options: Options = {}) => {
  const port = await vats.launch(makeVatId(1), 'sample');
  const arrived: FromVat[] = [];
  const logs: Log[] = [];
  let wake = () => {};
  let lost: string | undefined;
  port.receive(
    message => {
      const known = message as FromVat;
      (known.type === 'log' ? logs : arrived).push(known as never);
      wake();
    },
    reason => {
      lost = reason;
      wake();
    },
  );
  ends.push(() => port.kill());
  const next = async (): Promise<FromVat> => {
    while (arrived.length === 0) {
      if (lost !== undefined) {
        throw Error(`lost: ${lost}`);
      }
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
    return arrived.shift() as FromVat;
  };
  const untilLost = async (): Promise<string> => {
    while (lost === undefined) {
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
    return lost;
  };
  const send = (message: ToVat) => port.send(message);
  const hello = await next();
  send({
    type: 'start',
    vatId: makeVatId(1),
    incarnation: 1,
    label: 'sample',
    bundle,
    store: encodeRows(options.rows ?? []),
    endowments: options.endowments ?? [],
    limits: { ...DEFAULT_VAT_LIMITS, ...options.limits },
    narrowed: options.narrowed ?? {},
    logLevel: options.logLevel ?? 'debug',
  });
  const answer = await next();
  let crank = 0;
  const deliver = async (delivery: Delivery): Promise<Done> => {
    crank += 1;
    send({ type: 'deliver', crank, delivery });
    const done = await next();
    expect(done).toMatchObject({ type: 'done', crank });
    return done as Done;
  };
  const startVat = (parameters: CapData = json({})) =>
    deliver(['startVat', parameters]);
  let calls = 0;
  const call = (method: string, ...args: Parameters<typeof json>[0][]) => {
    calls += 1;
    return deliver([
      'message',
      ROOT_VREF,
      {
        methargs: json([method, args]),
        result: `p-${calls}` as Vref,
      },
    ]);
  };
  return { hello, answer, logs, deliver, startVat, call, untilLost, port };
};

/** Starts the vat and its code; the test goes on from there. */
const started = async (bundle: string, options: Options = {}) => {
  const vat = await launch(bundle, options);
  expect(vat.answer).toEqual({ type: 'ready' });
  expect((await vat.startVat()).outcome).toEqual({ ok: true });
  return vat;
};

/** The resolution that a crank made of its call's result. */
const answerOf = (done: Done) => {
  expect(done.outcome).toEqual({ ok: true });
  const resolve = done.syscalls.find(([name]) => name === 'resolve');
  const [, isRejected, data] = (resolve?.[1] as never[])[0] as never as [
    string,
    boolean,
    CapData,
  ];
  const value = JSON.parse(data.body.slice(1)) as unknown;
  return isRejected ? { rejected: value } : value;
};

const apply = (
  rows: readonly Row[],
  changes: readonly StoreChange[],
): readonly Row[] => {
  const map = new Map(rows);
  for (const [key, value] of changes) {
    if (value === null) {
      map.delete(key);
    } else {
      map.set(key, value);
    }
  }
  return [...map].sort(([a], [b]) => compareKeys(a, b));
};

const COUNTER = `
  import { Far } from '@endo/far';
  import { provide } from '@agoric/vat-data';
  export const buildRootObject = (vatPowers, { start = 0 }, baggage) => {
    provide(baggage, 'count', () => start);
    return Far('counter', {
      ping: () => 'pong',
      increment: () => {
        baggage.set('count', baggage.get('count') + 1);
        return baggage.get('count');
      },
    });
  };`;
const COUNTER_SCRIPT = script(
  `imports => {
    const { Far } = imports['@endo/far'];
    const { provide } = imports['@agoric/vat-data'];
    return { ${COUNTER.replace(/import .*;/g, '')
      .replace('export const buildRootObject =', 'buildRootObject:')
      .replace(/;\s*$/, '')} };
  }`,
  ['@endo/far', '@agoric/vat-data'],
);

const moduleBundle = (source: string) => {
  const record = { ...new ModuleSource(source, 'vat.js') };
  return JSON.stringify({ moduleFormat: 'cooperageModule', record });
};

const fieldBundle = async (format: string, source: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'cooperage-'));
  try {
    const path = join(folder, 'vat.js');
    await writeFile(
      join(folder, 'package.json'),
      '{"name":"sample","type":"module"}',
    );
    await writeFile(path, source);
    return JSON.stringify(
      await bundleSource(path, { format: format as 'endoScript' }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** No imports, so that any bundler takes it. Speaks as the field's vats do without Endo's packages. */
const PLAIN = `
  export const buildRootObject = (vatPowers, parameters, baggage) => {
    const make = VatData.defineKind('helper', () => ({}), {});
    const proto = Object.create(Object.prototype, {
      [Symbol.for('passStyle')]: { value: 'remotable' },
      [Symbol.toStringTag]: { value: 'Alleged: root' },
    });
    const root = { ping: () => 'pong', has: name => typeof globalThis[name] };
    return harden(Object.setPrototypeOf(root, harden(proto)));
  };`;

describe('a vat in a worker of Node', () => {
  it('says hello, loads a script, starts, and answers a message', async () => {
    const vat = await launch(COUNTER_SCRIPT);
    expect([vat.hello, vat.answer]).toEqual([
      { type: 'hello', version: 1 },
      { type: 'ready' },
    ]);
    expect(await vat.startVat()).toMatchObject({ outcome: { ok: true } });
    expect(await vat.call('ping')).toEqual({
      type: 'done',
      crank: 2,
      outcome: { ok: true },
      syscalls: [['resolve', [['p-1', false, { body: '#"pong"', slots: [] }]]]],
      changes: [],
    });
  });

  it('keeps baggage over two incarnations by the changes of the first', async () => {
    let rows: readonly Row[] = [];
    const first = await launch(COUNTER_SCRIPT);
    for (const done of [
      await first.startVat(json({ start: 5 })),
      await first.call('increment'),
      await first.call('increment'),
    ]) {
      expect(done.outcome).toEqual({ ok: true });
      rows = apply(rows, done.changes);
    }
    const second = await started(COUNTER_SCRIPT, { rows });
    expect(answerOf(await second.call('increment'))).toBe(8);
  });

  it('runs one ES module precompiled by module-source', async () => {
    const vat = await started(moduleBundle(COUNTER));
    expect(answerOf(await vat.call('increment'))).toBe(1);
  });

  it.each(['endoScript', 'endoZipBase64', 'nestedEvaluate', 'getExport'])(
    'runs a bundle of the format %s, without the globals that its importer would add',
    async format => {
      const vat = await started(await fieldBundle(format, PLAIN));
      expect(answerOf(await vat.call('ping'))).toBe('pong');
      for (const name of ['URL', 'atob', 'TextDecoder', 'console']) {
        expect(answerOf(await vat.call('has', name))).toBe('undefined');
      }
    },
    240_000,
  );

  it('keeps durable objects, stores, and watched promises over an incarnation', async () => {
    const bundle = moduleBundle(`
      import { Far, E } from '@endo/far';
      import { M } from '@endo/patterns';
      import { prepareExoClass, prepareExoClassKit, prepareExo, provideDurableMapStore, watchPromise } from '@agoric/vat-data';
      export const buildRootObject = (_powers, _parameters, baggage) => {
        const I = M.interface('Cell', { get: M.call().returns(M.any()), set: M.call(M.any()).returns() });
        const makeCell = prepareExoClass(baggage, 'Cell', I, value => ({ value }), {
          get() { return this.state.value; },
          set(value) { this.state.value = value; },
        });
        const makeKit = prepareExoClassKit(baggage, 'Kit', undefined, () => ({ n: 0 }), {
          up: { inc() { this.state.n += 1; } },
          look: { read() { return this.state.n; } },
        });
        const watcher = prepareExo(baggage, 'watcher', undefined, {
          onFulfilled(value, tag) { cells.get('a').set([tag, value]); },
          onRejected(reason, tag) { cells.get('a').set([tag, 'no', reason.message ?? reason.name]); },
        });
        const cells = provideDurableMapStore(baggage, 'cells');
        return Far('root', {
          make: value => { cells.init('a', makeCell(value)); const kit = makeKit(); kit.up.inc(); cells.init('kit', kit.look); },
          read: () => harden([cells.get('a').get(), cells.get('kit').read()]),
          bad: () => makeCell(1).set(),
          watch: p => { watchPromise(p, watcher, 'seen'); },
        });
      };`);
    const first = await started(bundle);
    let rows: readonly Row[] = [];
    const again = await launch(bundle);
    for (const done of [await again.startVat(), await again.call('make', 7)]) {
      expect(done.outcome).toEqual({ ok: true });
      rows = apply(rows, done.changes);
    }
    expect(answerOf(await first.call('bad'))).toMatchObject({
      rejected: { name: 'Error' },
    });
    const watching = await again.call('watch', { '@ref': 'p-77' });
    expect(watching.syscalls).toContainEqual(['subscribe', 'p-77']);
    rows = apply(rows, watching.changes);

    const second = await started(bundle, { rows });
    expect(answerOf(await second.call('read'))).toEqual([7, 1]);
    const notified = await second.deliver([
      'notify',
      [['p-77' as Vref, false, json('hi')]],
    ]);
    expect(notified.outcome).toEqual({ ok: true });
    expect(answerOf(await second.call('read'))).toEqual([['seen', 'hi'], 1]);
  });

  it('turns E() into sends, their results into subscriptions, and drops what it let go', async () => {
    const vat = await started(
      rootScript(`
        tell: other => { void E(other).hello('x').then(() => {}, () => {}); },
        ask: other => E(E(other).first()).second(),`),
    );
    const told = await vat.call('tell', { '@ref': 'o-5' });
    expect(told.syscalls).toEqual([
      [
        'send',
        'o-5',
        {
          methargs: { body: '#["hello",["x"]]', slots: [] },
          result: expect.stringMatching(/^p\+\d+$/),
        },
      ],
      ['subscribe', expect.stringMatching(/^p\+\d+$/)],
      ['resolve', [['p-1', false, { body: '#"#undefined"', slots: [] }]]],
    ]);
    const asked = await vat.call('ask', { '@ref': 'o-6' });
    expect(asked.syscalls.map(([name]) => name)).toEqual([
      'send',
      'subscribe',
      'send',
      'subscribe',
    ]);
    const swept = await vat.deliver(['bringOutYourDead']);
    expect(swept.syscalls).toContainEqual(['dropImports', ['o-5', 'o-6']]);
  });

  it('rejects a call whose method throws, and goes on', async () => {
    const vat = await started(
      rootScript(`fail: () => { throw TypeError('too bad'); }, ping: () => 1`),
    );
    expect(answerOf(await vat.call('fail'))).toMatchObject({
      rejected: { '#error': 'too bad', name: 'TypeError' },
    });
    expect(answerOf(await vat.call('ping'))).toBe(1);
  });
});

describe('code that does not load', () => {
  it.each([
    [
      'a syntax error, by its line',
      script('imports => {\n  const a = 1;\n  const b = = 2;\n  return {};\n}'),
      /^SyntaxError: Unexpected token '=' \(line 3: const b = = 2;\)$/,
    ],
    [
      'an import expression',
      script('imports => {\n  return import("x");\n}'),
      /SyntaxError: .*import.*line 2/,
    ],
    [
      'a module that is not provided',
      script('imports => ({})', ['@endo/far', 'left-pad']),
      /there is no module "left-pad" here/,
    ],
    ['text that is not JSON', 'export {}', /a bundle is JSON/],
    [
      'a module that imports a stranger',
      moduleBundle(`import x from 'left-pad'; export const y = x;`),
      /there is no module "left-pad" here/,
    ],
  ])('fails with %s', async (_what, bundle, problem) => {
    const vat = await launch(bundle);
    expect(vat.answer).toEqual({
      type: 'failed',
      problem: expect.stringMatching(problem) as string,
    });
  });

  it('fails with an endowment that does not exist', async () => {
    const vat = await launch(rootScript(''), { endowments: ['fetch'] });
    expect(vat.answer).toMatchObject({
      type: 'failed',
      problem: expect.stringContaining('no endowment "fetch"') as string,
    });
  });

  it('runs nothing before startVat', async () => {
    const vat = await launch(script('throw Error("ran"); () => ({})'));
    expect(vat.answer).toEqual({ type: 'ready' });
    expect(await vat.startVat()).toMatchObject({
      outcome: { ok: false, problem: 'Error: ran' },
    });
  });
});

describe('a crank that fails', () => {
  it.each([
    [
      'buildRootObject throws',
      '() => ({ buildRootObject: () => { throw RangeError("no room"); } })',
      /^RangeError: no room$/,
    ],
    [
      'buildRootObject rejects',
      '() => ({ buildRootObject: async (_p, _q, baggage) => { baggage.init("x", 1); throw Error("later"); } })',
      /^Error: later$/,
    ],
    ['there is no buildRootObject', '() => ({})', /lacks buildRootObject/],
    [
      'buildRootObject never ends',
      '() => ({ buildRootObject: () => new Promise(() => {}) })',
      /^buildRootObject unresolved: /,
    ],
    [
      'the root is not an object with methods',
      '() => ({ buildRootObject: () => 3 })',
      /not Far/,
    ],
    [
      'what is thrown cannot be read',
      '() => ({ buildRootObject: () => { throw { get name() { throw 1; } }; } })',
      /unreadable|cannot be read/,
    ],
  ])('has no effects when %s', async (_what, source, problem) => {
    const vat = await launch(script(source, []));
    expect(await vat.startVat()).toEqual({
      type: 'done',
      crank: 1,
      outcome: { ok: false, problem: expect.stringMatching(problem) as string },
      syscalls: [],
      changes: [],
    });
    expect(await vat.deliver(['bringOutYourDead'])).toMatchObject({
      outcome: {
        ok: false,
        problem: expect.stringContaining('crank 1 failed') as string,
      },
    });
  });

  it.each([
    [
      'syscallsPerCrank',
      20,
      `for (let i = 0; i < 30; i += 1) { E(other).x(); }`,
    ],
    [
      'referencesPerCrank',
      40,
      `for (let i = 0; i < 30; i += 1) { E(other).x(); }`,
    ],
    [
      'slotsPerMessage',
      20,
      `E(other).x(harden(Array.from({ length: 21 }, () => Far('a', {}))));`,
    ],
    [
      'unitsPerCrank',
      20_000,
      `for (let i = 0; i < 30; i += 1) { E(other).x('x'.repeat(1000)); }`,
    ],
    [
      'changesPerCrank',
      100,
      `for (let i = 0; i < 200; i += 1) { baggage.init('k' + i, i); }`,
    ],
    [
      'unitsPerCrank',
      20_000,
      `for (let i = 0; i < 30; i += 1) { baggage.init('k' + i, 'x'.repeat(1000)); }`,
    ],
  ])('names the limit %s of %d that it passed', async (name, limit, body) => {
    const vat = await started(
      rootScript(`flood: other => { try { ${body} } catch {} }`),
      { limits: { [name]: limit } },
    );
    expect(await vat.call('flood', { '@ref': 'o-5' })).toMatchObject({
      outcome: {
        ok: false,
        problem: expect.stringMatching(`^${name}: .*${limit}`) as string,
      },
      syscalls: [],
      changes: [],
    });
  });

  it('lets go of more rows than one crank may change, in several', async () => {
    const vat = await started(
      rootScript(
        `fill: first => {
           if (!baggage.has('map')) baggage.init('map', VatData.makeScalarBigMapStore('map', { durable: true }));
           for (let i = first; i < first + 50; i += 1) baggage.get('map').init(i, i);
         },
         empty: () => { baggage.delete('map'); }`,
      ),
      { limits: { changesPerCrank: 100 } },
    );
    for (let first = 0; first < 250; first += 50) {
      expect((await vat.call('fill', first)).outcome).toEqual({ ok: true });
    }
    await vat.call('empty');
    const gone: number[] = [];
    let all = 0;
    // The engine may find the map dead a reap later.
    for (let hasMore = true; hasMore || all <= 250;) {
      const reap = await vat.deliver(['bringOutYourDead']);
      expect(reap.outcome).toEqual({ ok: true });
      gone.push(reap.changes.length);
      all += reap.changes.length;
      hasMore = reap.hasMore === true;
    }
    expect(Math.max(...gone)).toBeLessThanOrEqual(100);
  });

  it('has the limits that its config narrows for what its code does of its own: not for its start, nor for what others name', async () => {
    const vat = await started(
      script(`imports => {
        const { Far, E } = imports['@endo/far'];
        const buildRootObject = (powers, parameters, baggage) => {
          for (let i = 0; i < 9; i += 1) baggage.init('k' + i, i);
          return Far('root', {
            take: () => {},
            send: (other, times) => { for (let i = 0; i < times; i += 1) E.sendOnly(other).x(); },
            log: () => { for (let i = 0; i < 5; i += 1) console.log(i); },
          });
        };
        return { buildRootObject };
      }`),
      {
        endowments: ['console'],
        narrowed: {
          syscallsPerCrank: 3,
          changesPerCrank: 1,
          logLinesPerCrank: 2,
        },
      },
    );
    const other = { '@ref': 'o-5' };
    const promises = Array.from({ length: 10 }, (_, at) => ({
      '@ref': `p-${at + 60}`,
    }));
    const taken = await vat.call('take', promises);
    expect(taken.outcome).toEqual({ ok: true });
    expect(
      taken.syscalls.filter(([name]) => name === 'subscribe'),
    ).toHaveLength(10);
    await vat.call('log');
    expect(vat.logs.map(({ text }) => text)).toEqual([
      '0',
      '1',
      '3 more log lines of this crank were left out',
    ]);
    // The root and the other are named to it.
    expect((await vat.call('send', other, 1)).outcome).toEqual({ ok: true });
    expect(await vat.call('send', other, 6)).toMatchObject({
      outcome: {
        ok: false,
        problem: 'syscallsPerCrank: the crank reached 6, the limit is 5',
      },
    });
  });

  it('says at once that it passed a limit, though the crank itself never ends', async () => {
    const vat = await started(
      rootScript(
        `flood: async other => { for (let i = 0; i < 30; i += 1) E(other).x(); for (;;) await null; }`,
      ),
      { limits: { syscallsPerCrank: 20 } },
    );
    expect(await vat.call('flood', { '@ref': 'o-5' })).toMatchObject({
      outcome: {
        ok: false,
        problem: 'syscallsPerCrank: the crank reached 21, the limit is 20',
      },
      syscalls: [],
      changes: [],
    });
  });

  it('counts messages to presences as they are sent, so that a vat that goes on sending in one turn for ever is stopped', async () => {
    const vat = await started(
      rootScript(
        `flood: other => { for (;;) { try { E(other).x(); } catch {} } },
         few: other => { for (let i = 0; i < 20; i += 1) E.sendOnly(other).x(); },
         local: () => { const mine = Far('mine', { x: () => {} }); for (let i = 0; i < 60; i += 1) E(mine).x(); }`,
      ),
      { limits: { syscallsPerCrank: 50 } },
    );
    const other = { '@ref': 'o-5' };
    expect((await vat.call('few', other)).outcome).toEqual({ ok: true });
    expect((await vat.call('local')).outcome).toEqual({ ok: true });
    expect(await vat.call('flood', other)).toMatchObject({
      outcome: {
        ok: false,
        problem: 'syscallsPerCrank: the crank reached 51, the limit is 50',
      },
      syscalls: [],
      changes: [],
    });
  });

  it.each([
    ['one that the kernel has told of', 'promise'],
    ['the answer to a message', 'E(object).get()'],
    ['one of the vat’s own', 'Promise.resolve(object)'],
  ])(
    'counts the messages of a turn along a promise as they are sent: %s',
    async (_which, promise) => {
      const vat = await started(
        rootScript(
          `flood: ({ object, promise }) => {
             const along = ${promise};
             for (;;) { try { E(along).x(); } catch {} }
           },
           local: async () => {
             const mine = Promise.resolve(Far('mine', { x: () => {} }));
             for (let turn = 0; turn < 4; turn += 1) {
               for (let i = 0; i < 40; i += 1) E(mine).x();
               await null;
             }
           }`,
        ),
        { limits: { syscallsPerCrank: 50 } },
      );
      expect((await vat.call('local')).outcome).toEqual({ ok: true });
      expect(
        await vat.call('flood', {
          object: { '@ref': 'o-5' },
          promise: { '@ref': 'p-60' },
        }),
      ).toMatchObject({
        outcome: {
          ok: false,
          problem: 'syscallsPerCrank: the crank reached 51, the limit is 50',
        },
        syscalls: [],
        changes: [],
      });
    },
  );

  it('gives an answer larger than liveslots would let through, within its own limits', async () => {
    const vat = await started(rootScript(`bloat: n => 'x'.repeat(n)`));
    const { outcome, syscalls } = await vat.call('bloat', 11_000_000);
    expect(outcome).toEqual({ ok: true });
    expect(syscalls.map(([name]) => name)).toEqual(['resolve']);
  });
});

describe('what vat code can reach', () => {
  const LOOK = `
    look: names => harden(names.map(name => typeof globalThis[name])),
    child: () => {
      const inner = new Compartment();
      return inner.evaluate('WeakMap') === WeakMap && Object.getPrototypeOf(Compartment) === Function.prototype
        && inner.globalThis.Compartment === Compartment;
    },
    outside: names => {
      const found = [];
      const roots = [Compartment, Compartment.prototype.constructor, WeakMap, harden, assert, VatData.defineKind, (() => {}).constructor];
      for (const root of roots) {
        try { const realm = root.constructor('return globalThis')(); for (const name of names) { if (realm[name] !== undefined) found.push(name); } } catch {}
      }
      return harden(found);
    }`;

  it('has VatData, assert and harden as globals and no endowment by default', async () => {
    const vat = await started(rootScript(LOOK));
    const names =
      'VatData assert harden Compartment console URL TextEncoder setTimeout fetch process require';
    expect(answerOf(await vat.call('look', names.split(' ')))).toEqual([
      'object',
      'function',
      'function',
      'function',
      ...Array.from({ length: 7 }, () => 'undefined'),
    ]);
    expect(answerOf(await vat.call('child'))).toBe(true);
    expect(answerOf(await vat.call('outside', ['fetch', 'process']))).toEqual(
      [],
    );
  });

  it('has no network, storage or other realm behind its Compartment either', async () => {
    const names =
      'fetch WebSocket XMLHttpRequest EventSource BroadcastChannel Worker indexedDB caches navigator WebAssembly SharedArrayBuffer require process module';
    const worker = new Worker(
      `"use strict"; const port = require('node:worker_threads').parentPort; ${await provideNodeVatText()}
      ; port.postMessage(${JSON.stringify(names.split(' '))}.filter(name => globalThis[name] !== undefined));`,
      { eval: true },
    );
    ends.push(() => void worker.terminate());
    const messages: unknown[] = [];
    await new Promise<void>(resolve => {
      worker.on('message', message => {
        if (messages.push(message) === 2) {
          resolve();
        }
      });
    });
    expect(messages).toEqual([[], [{ type: 'hello', version: 1 }]]);
  });

  it('has exactly the endowments that it is configured with', async () => {
    const vat = await started(
      rootScript(`${LOOK}, use: () => {
        const url = new URL('/a?b=1', 'https://example.org');
        return harden([url.href, new TextDecoder().decode(new TextEncoder().encode('ü')), typeof URL.createObjectURL]);
      }`),
      { endowments: ['URL', 'TextEncoder', 'TextDecoder'] },
    );
    expect(answerOf(await vat.call('use'))).toEqual([
      'https://example.org/a?b=1',
      'ü',
      'undefined',
    ]);
    expect(answerOf(await vat.call('look', ['console']))).toEqual([
      'undefined',
    ]);
  });

  it('writes bounded lines to the log, errors with their stacks', async () => {
    const vat = await started(
      rootScript(`
        say: thing => {
          console.log('got', thing, 5n, { a: [1, 'x', undefined], f() {} }, { get bad() { throw 1; } });
          console.warn('y'.repeat(10_000));
          console.error(Error('inner trouble'));
        },
        flood: () => { for (let i = 0; i < 2000; i += 1) console.log(i); }`),
      { endowments: ['console'], limits: { logUnits: 400 } },
    );
    await vat.call('say', { '@ref': 'o-9' });
    const [first, second, third] = vat.logs;
    expect(first).toEqual({
      type: 'log',
      level: 'log',
      text: 'got [Alleged: presence o-9] 5n { a: [ 1, "x", undefined ], f: [function f] } { bad: [unreadable]',
    });
    expect(second).toMatchObject({
      level: 'warn',
      text: `${'y'.repeat(400)}…`,
    });
    expect(third?.text).toMatch(/Error#1: inner trouble/);
    expect(third?.text.length).toBeLessThanOrEqual(401);
    vat.logs.length = 0;
    await vat.call('flood');
    expect(vat.logs).toHaveLength(501);
    expect(vat.logs.at(-1)?.text).toBe(
      '1500 more log lines of this crank were left out',
    );
  });

  it('makes no line that is less grave than somebody wants, of its own or of liveslots’', async () => {
    const source = rootScript(`
      say: () => {
        const seen = [];
        const arg = { get secret() { seen.push('read'); return 1; } };
        console.debug(arg);
        console.info('told');
        console.log('told too');
        return harden(seen);
      },
      flood: () => { for (let i = 0; i < 2000; i += 1) console.debug(i); },
      fail: () => { throw Error('with a stack'); }`);
    const play = async (logLevel: LogLevel) => {
      const endowments = ['console'];
      const vat = await started(source, { endowments, logLevel });
      const seen = answerOf(await vat.call('say'));
      await vat.call('flood');
      await vat.call('fail');
      return { seen, levels: vat.logs.map(({ level }) => level) };
    };
    expect(await play('info')).toEqual({ seen: [], levels: ['info', 'log'] });
    const { seen, levels } = await play('debug');
    expect([seen, levels.length]).toEqual([['read'], 3 + 501 + 1]);
  });

  it('logs an unhandled rejection under the label and lives on', async () => {
    const vat = await started(
      rootScript(
        `drop: () => { void Promise.reject(Error('forgotten')); }, ping: () => 'pong'`,
      ),
    );
    await vat.call('drop');
    expect(answerOf(await vat.call('ping'))).toBe('pong');
    expect(
      vat.logs.map(({ level, text }) => [
        level,
        text.split('\n').slice(0, 2).join(' '),
      ]),
    ).toEqual([
      [
        'warn',
        expect.stringMatching(
          /^sample: unhandled rejection: .*forgotten/,
        ) as string,
      ],
    ]);
  });

  it('recognizes virtual objects in weak stores by their identity in the store', async () => {
    const vat = await started(
      script(
        `imports => {
        const { Far } = imports['@endo/far'];
        const { makeScalarWeakMapStore, makeScalarBigMapStore } = imports['@agoric/vat-data'];
        const { defineKind } = VatData;
        return { buildRootObject: () => {
          const make = defineKind('thing', () => ({}), {});
          const things = makeScalarBigMapStore('things');
          const marks = makeScalarWeakMapStore('marks');
          return Far('root', {
            put: () => { const thing = make(); things.init('a', thing); marks.init(thing, 'marked'); },
            get: () => marks.get(things.get('a')),
          });
        } };
      }`,
        ['@endo/far', '@agoric/vat-data'],
      ),
    );
    await vat.call('put');
    await vat.deliver(['bringOutYourDead']);
    expect(answerOf(await vat.call('get'))).toBe('marked');
  });
});

describe('the launcher', () => {
  it('tells the loss of a worker whose heap overflows, and of no other', async () => {
    const small = makeNodeVats({ heapMegabytes: 32 });
    const port = await small.launch(makeVatId(2), 'small');
    ends.push(() => port.kill());
    const other = await started(COUNTER_SCRIPT);
    const lost = new Promise<string>(resolve => {
      port.receive(message => {
        const { type } = message as FromVat;
        if (type === 'hello') {
          port.send({
            type: 'start',
            vatId: makeVatId(2),
            incarnation: 1,
            label: 'small',
            bundle: script(
              '() => ({ buildRootObject: () => { const all = []; for (;;) all.push(new Array(1000).fill(0.5)); } })',
              [],
            ),
            store: encodeRows([]),
            endowments: [],
            limits: DEFAULT_VAT_LIMITS,
            narrowed: {},
            logLevel: 'debug',
          });
        } else if (type === 'ready') {
          port.send({
            type: 'deliver',
            crank: 1,
            delivery: ['startVat', json({})],
          });
        }
      }, resolve);
    });
    expect(await lost).toMatch(/memory limit|heap|exited/i);
    expect(answerOf(await other.call('ping'))).toBe('pong');
  }, 240_000);

  it('receives nothing more of a killed vat, not even its loss', async () => {
    const port = await vats.launch(makeVatId(3), 'killed');
    const heard: unknown[] = [];
    await new Promise<void>(resolve => {
      port.receive(
        message => {
          heard.push(message);
          resolve();
        },
        reason => heard.push(reason),
      );
    });
    port.kill();
    port.send({ type: 'deliver', crank: 1, delivery: ['bringOutYourDead'] });
    await (await launch(COUNTER_SCRIPT)).startVat();
    expect(heard).toEqual([{ type: 'hello', version: 1 }]);
  });
});
