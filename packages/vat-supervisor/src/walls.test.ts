import {
  DEFAULT_VAT_LIMITS,
  encodeRows,
  openRows,
  type Delivery,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import { makeCrankBudget } from './limits.ts';
import { makeSyscallBuffer } from './syscall-buffer.ts';
import { problemOfSyntax } from './syntax-check.ts';
import { makeVatStore } from './vat-store.ts';
import { stripGlobals } from './strip-globals.ts';

const p1 = 'p+1' as Vref;
const NOTHING: Delivery = ['notify', []];
const makeBuffer = (syscallsPerCrank = 3) => {
  const late: string[] = [];
  const buffer = makeSyscallBuffer({
    limits: { ...DEFAULT_VAT_LIMITS, syscallsPerCrank },
    makeStore: note => makeVatStore(openRows(encodeRows([['a', '1']])), note),
    onLate: name => late.push(name),
  });
  return { buffer, late };
};

describe('the syscall buffer', () => {
  it('gives the effects of a crank in order, and starts the next one empty', () => {
    const { buffer } = makeBuffer();
    buffer.begin(NOTHING);
    buffer.syscall.subscribe(p1);
    buffer.syscall.vatstoreSet('b', '2');
    buffer.syscall.abandonExports(['o+1' as Vref]);
    expect(buffer.take()).toEqual({
      syscalls: [
        ['subscribe', p1],
        ['abandonExports', ['o+1']],
      ],
      changes: [['b', '2']],
    });
    buffer.begin(NOTHING);
    expect(buffer.take()).toEqual({ syscalls: [], changes: [] });
  });

  it('refuses and tells every syscall outside a crank', () => {
    const { buffer, late } = makeBuffer();
    expect(() => buffer.syscall.subscribe(p1)).toThrow('outside a delivery');
    buffer.begin(NOTHING);
    buffer.take();
    expect(() => buffer.syscall.vatstoreSet('b', '2')).toThrow(
      'outside a delivery',
    );
    expect(() => buffer.syscall.vatstoreGet('a')).toThrow('outside a delivery');
    expect(late).toEqual(['subscribe', 'vatstoreSet', 'vatstoreGet']);
    buffer.begin(NOTHING);
    expect(buffer.take()).toEqual({ syscalls: [], changes: [] });
  });

  it('stays closed to a crank that passed a limit, and puts its changes back', () => {
    const { buffer } = makeBuffer(2);
    buffer.begin(NOTHING);
    buffer.syscall.vatstoreDelete('a');
    buffer.syscall.subscribe(p1);
    buffer.syscall.subscribe(p1);
    expect(() => buffer.syscall.subscribe(p1)).toThrow(/^syscallsPerCrank: /);
    expect(() => buffer.syscall.vatstoreSet('b', '1')).toThrow(
      /^syscallsPerCrank: /,
    );
    expect(buffer.breach()).toMatch(/reached 3, the limit is 2/);
    expect(buffer.drop()).toEqual({ syscalls: [], changes: [] });
    buffer.begin(NOTHING);
    expect([
      buffer.syscall.vatstoreGet('a'),
      buffer.syscall.vatstoreGet('b'),
      buffer.breach(),
    ]).toEqual(['1', undefined, undefined]);
  });
});

describe('a crank’s budget', () => {
  it('counts the units of syscalls and changes together', () => {
    const budget = makeCrankBudget({
      ...DEFAULT_VAT_LIMITS,
      unitsPerCrank: 20,
    });
    budget.noteSyscall(['exit', false, { body: '#"12345678"', slots: [] }]);
    budget.noteChanges(1, 9);
    expect(() => budget.noteChanges(1, 10)).toThrow('unitsPerCrank');
  });
});

describe('a crank’s budget of references', () => {
  const data = { body: '#0', slots: [p1, p1] };
  const o1 = 'o-1' as Vref;
  it.each<[number, Syscall]>([
    [4, ['send', o1, { methargs: data, result: p1 }]],
    [3, ['send', o1, { methargs: data, result: null }]],
    [
      6,
      [
        'resolve',
        [
          [p1, false, data],
          [p1, true, data],
        ],
      ],
    ],
    [2, ['exit', false, data]],
    [1, ['subscribe', p1]],
    [3, ['dropImports', [o1, o1, o1]]],
  ])('counts %d of %j', (count, syscall) => {
    const note = (referencesPerCrank: number) => () =>
      makeCrankBudget({
        ...DEFAULT_VAT_LIMITS,
        referencesPerCrank,
      }).noteSyscall(syscall);
    expect(note(count)).not.toThrow();
    expect(note(count - 1)).toThrow(
      `referencesPerCrank: the crank reached ${count}`,
    );
  });
});

describe('the syntax check', () => {
  const parse = (source: string) => void new Function(`"use strict";${source}`);
  it.each([
    ['x => {\n  return 1;\n}', undefined],
    ['const a = 1;\nconst b = ;\nconst c = 2;', /line 2: const b = ;/],
    ['{\n  let a;\n  let a;\n}', /already been declared \(line 3: let a;\)/],
    ['(() => {\n  if (1) {\n})', /line 3: }\)/],
    ['(() => {\n  1;', /line 2: 1;/],
    ['with (x) {}', /line 1: with/],
  ])('judges %j', (source, problem) => {
    const found = problemOfSyntax(parse, source);
    if (problem === undefined) {
      expect(found).toBeUndefined();
    } else {
      expect(found).toMatch(problem);
    }
  });
});

describe('stripping a worker’s globals', () => {
  it('removes them wherever they are inherited from, and tells what stays', () => {
    const proto = { fetch: () => {}, setTimeout: () => {} };
    const scope: Record<string, unknown> = Object.create(proto, {
      WebSocket: { value: () => {}, configurable: true },
      caches: { get: () => ({}), configurable: true },
      navigator: { get: () => ({ storage: {} }), configurable: true },
      indexedDB: { value: {}, configurable: false, writable: true },
      Worker: { value: () => {}, configurable: false, writable: false },
    }) as Record<string, unknown>;
    const URL = Object.assign(() => {}, { createObjectURL: () => {} });
    scope['URL'] = URL;
    expect(stripGlobals(scope)).toEqual(['Worker']);
    expect(
      [
        'fetch',
        'WebSocket',
        'caches',
        'navigator',
        'indexedDB',
        'setTimeout',
      ].map(name => typeof scope[name]),
    ).toEqual([...Array.from({ length: 5 }, () => 'undefined'), 'function']);
    expect('createObjectURL' in URL).toBe(false);
  });
});
