import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext, type Context } from 'node:vm';
import fc from 'fast-check';
import { transpileModule, ModuleKind, ScriptTarget } from 'typescript';
import { describe, expect, it } from 'vitest';

const SES = readFileSync(createRequire(import.meta.url).resolve('ses'), 'utf8');

const OURS = transpileModule(
  readFileSync(fileURLToPath(new URL('hardener.ts', import.meta.url)), 'utf8'),
  {
    compilerOptions: {
      module: ModuleKind.ESNext,
      target: ScriptTarget.ES2022,
    },
  },
).outputText.replace('export const', 'const');

/** What a member of a graph is made of. */
type Spec = {
  readonly kind: number;
  /** Where it points: under what key, how, at which member. */
  readonly links: readonly (readonly [key: number, how: number, to: number])[];
  /** Its state before: extensible, not extensible, sealed or frozen. */
  readonly before: number;
};

/**
 * Runs in a realm of its own: makes the graph, hardens it twice, and tells
 * after each time how everything in it stands. Proxies that refuse to be
 * frozen give in before the second time.
 */
const PROGRAM = `(specsText => {
  const specs = JSON.parse(specsText);
  let isArmed = true;
  const refuse = () => { if (isArmed) { throw Error('refused'); } };
  const kinds = [
    () => ({}),
    () => [],
    () => () => {},
    () => Object.create(null),
    () => new (class Thing {})(),
    () => new Map([[{}, {}]]),
    () => new Set([{}]),
    () => Promise.resolve(),
    () => new Uint8Array(3),
    () => new DataView(new ArrayBuffer(2)),
    () => new ArrayBuffer(2),
    () => Error('problem'),
    () => new TypeError('problem', { cause: {} }),
    () => new Date(0),
    () => /x/g,
    () => new Proxy({}, {}),
    () => new Proxy([1, 2], {}),
    () => new Proxy({}, { preventExtensions: target => { refuse(); return Reflect.preventExtensions(target); } }),
    () => new Proxy({}, { ownKeys: target => { refuse(); return Reflect.ownKeys(target); } }),
    () => new Proxy({}, { getPrototypeOf: target => { refuse(); return Reflect.getPrototypeOf(target); } }),
    () => function old() {},
    () => async function* strange() {},
    () => Object(Symbol('wrapped')),
    () => new Float64Array(0),
    () => function () { return arguments; }(1, {}),
    () => Object.freeze([{}]),
    () => Array(3),
  ];
  const keys = ['a', 'b', '0', '1', '7', 'length', 'prototype', '__proto__', 'stack', Symbol.iterator, Symbol.for('s'), '-0', '1.5'];
  const members = specs.map(({ kind }) => kinds[kind % kinds.length]());
  const at = index => members[index % members.length];
  const link = (from, key, how, to) => {
    try {
      if (how === 0) { Object.defineProperty(from, key, { value: to, writable: true, enumerable: true, configurable: true }); }
      else if (how === 1) { Object.defineProperty(from, key, { value: to }); }
      else if (how === 2) { Object.defineProperty(from, key, { get: () => to, set: Object.assign(() => {}, { to }), configurable: true }); }
      else if (how === 3) { Object.defineProperty(from, key, { get: Object.assign(() => 1, { to }), enumerable: true }); }
      else if (how === 4) { Object.setPrototypeOf(from, to); }
      else { from[key] = to; }
    } catch {}
  };
  isArmed = false;
  specs.forEach(({ links }, index) => links.forEach(([key, how, to]) => link(at(index), keys[key % keys.length], how, at(to))));
  isArmed = true;
  specs.forEach(({ before }, index) => {
    try { [x => x, Object.preventExtensions, Object.seal, Object.freeze][before % 4](at(index)); } catch {}
  });
  const describe = () => {
    const wasArmed = isArmed;
    isArmed = false;
    const seen = new Map();
    const queue = [...members];
    const lines = [];
    for (const member of queue) {
      if (seen.has(member)) { continue; }
      seen.set(member, seen.size);
      const parts = [Object.isExtensible(member) ? 'open' : 'closed'];
      const descriptors = Reflect.ownKeys(member).map(key => [key, Object.getOwnPropertyDescriptor(member, key)]);
      for (const [key, each] of descriptors) {
        parts.push(String(key) + ':' + ['writable', 'enumerable', 'configurable'].map(flag => each[flag]).join());
        for (const value of [each.value, each.get, each.set]) {
          if (value === Object(value)) { queue.push(value); }
        }
      }
      const parent = Reflect.getPrototypeOf(member);
      if (parent !== null) { queue.push(parent); }
      lines.push(parts.join(' '));
    }
    isArmed = wasArmed;
    return lines.join('\\n');
  };
  const attempt = () => {
    let outcome;
    try { outcome = harden(at(0)) === at(0) ? 'same' : 'other'; } catch (problem) { outcome = String(problem.message); }
    return outcome + '\\n' + describe();
  };
  const first = attempt();
  isArmed = false;
  return first + '\\n--\\n' + attempt();
})`;

const makeRealm = (before: string): Context => {
  const context = createContext({});
  runInContext(before, context);
  runInContext(SES, context);
  runInContext(
    `lockdown({ errorTaming: 'safe', consoleTaming: 'unsafe', reporting: 'none', errorTrapping: 'none', unhandledRejectionTrapping: 'none' });
     globalThis.run = ${PROGRAM};`,
    context,
  );
  return context;
};

const INSTALL = `(() => { ${OURS}; globalThis.installed = globalThis.harden = makeHardener(); })()`;
const theirs = makeRealm('');
const ours = makeRealm(INSTALL);

const run = (realm: Context, specs: readonly Spec[]): string =>
  runInContext(`run(${JSON.stringify(JSON.stringify(specs))})`, realm);

const spec = fc.record({
  kind: fc.nat(26),
  links: fc.array(fc.tuple(fc.nat(12), fc.nat(5), fc.nat(15)), {
    maxLength: 5,
  }),
  before: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(3)),
});

describe('the hardener', () => {
  it('is what SES takes for its own', () => {
    expect(
      runInContext(
        `harden === installed && Object[Symbol.for('harden')] === installed && new Compartment().globalThis.harden === installed`,
        ours,
      ),
    ).toBe(true);
    expect(runInContext(`typeof installed`, theirs)).toBe('undefined');
  });

  it('freezes, of any graph, exactly what that of SES freezes, and fails where it fails', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 16 }), specs => {
        const expected = run(theirs, specs);
        expect(run(ours, specs)).toBe(expected);
        seen.add(expected.split('\n')[0] ?? '');
      }),
      { numRuns: 800 },
    );
    expect(seen).toContain('same');
    expect(seen).toContain('refused');
  });

  it('does the same for a member that many share and for one of a thousand', () => {
    const chain = Array.from({ length: 1_000 }, (_, index): Spec => ({
      kind: index % 5,
      links: [
        [0, 5, index + 1],
        [1, 0, 0],
      ],
      before: 0,
    }));
    expect(run(ours, chain)).toBe(run(theirs, chain));
  });

  it('leaves the intrinsics of a locked realm as SES leaves them', () => {
    const walk = `(() => {
      const seen = new Set();
      const open = [];
      const visit = (value, path) => {
        if (value !== Object(value) || seen.has(value)) { return; }
        seen.add(value);
        if (!Object.isFrozen(value)) { open.push(path); }
        for (const key of Reflect.ownKeys(value)) {
          const each = Object.getOwnPropertyDescriptor(value, key);
          for (const part of ['value', 'get', 'set']) { visit(each[part], path + '.' + String(key)); }
        }
        visit(Object.getPrototypeOf(value), path + '.__proto__');
      };
      const { run, installed, ...rest } = Object.getOwnPropertyDescriptors(globalThis);
      for (const key of Reflect.ownKeys(rest)) { visit(rest[key].value, String(key)); }
      return JSON.stringify({ open, count: seen.size });
    })()`;
    const found = runInContext(walk, ours);
    expect(found).toBe(runInContext(walk, theirs));
    expect(JSON.parse(String(found)).count).toBeGreaterThan(500);
  });
});
