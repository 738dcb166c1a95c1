import { describe, expect, it } from 'vitest';
import { DEFAULT_VAT_LIMITS, type VatLimits } from '@cooperage/protocol';
import { EndpointFault } from '../faults.ts';
import {
  checkDone,
  checkFailed,
  checkLog,
  checkSyscalls,
  makeBudget,
  ownField,
  parseFields,
  parseKind,
} from './check.ts';

const limits: VatLimits = {
  ...DEFAULT_VAT_LIMITS,
  syscallsPerCrank: 2,
  changesPerCrank: 2,
  slotsPerMessage: 2,
  unitsPerCrank: 100,
  logUnits: 5,
};

/** What the check says of what it refuses; throws when it refuses nothing. */
const faultOf = (check: () => unknown): string => {
  try {
    check();
  } catch (problem) {
    expect(problem).toBeInstanceOf(EndpointFault);
    return problem instanceof Error ? problem.message : '';
  }
  throw Error('nothing was refused');
};
const check = (...syscalls: unknown[]) =>
  checkSyscalls(syscalls, limits, makeBudget(limits));
const faultOfSyscall = (...syscall: unknown[]) => faultOf(() => check(syscall));

const data = { body: '#0', slots: ['o-1'] };
const message = { methargs: data, result: 'p+1' };
const half = 'a\ud800b';

describe('references that a crank names', () => {
  it.each([
    [3, ['send', 'o+1', message]],
    [2, ['send', 'o+1', { methargs: data }]],
    [
      4,
      [
        'resolve',
        [
          ['p-1', true, data],
          ['p+1', false, data],
        ],
      ],
    ],
    [1, ['exit', true, data]],
    [1, ['subscribe', 'p-1']],
    [2, ['dropImports', ['o-1', 'o-2']]],
  ])('are counted: %d of %j', (count, syscall) => {
    const checkWith = (referencesPerCrank: number) => () =>
      checkSyscalls(
        [syscall],
        limits,
        makeBudget({ ...limits, referencesPerCrank }),
      );
    expect(checkWith(count)).not.toThrow();
    expect(faultOf(checkWith(count - 1))).toBe(
      'its crank names too many references',
    );
  });
});

describe('syscalls that an endpoint sends', () => {
  it('are taken over field by field, and nothing else of them', () => {
    const sent = [
      'send',
      'o+1',
      { methargs: { ...data, more: 1 }, result: 'p+1', more: 1 },
    ];
    expect(check(sent)).toEqual([['send', 'o+1', message]]);
    expect(
      check(['send', 'o+1', { methargs: data, result: undefined }]),
    ).toEqual([['send', 'o+1', { methargs: data, result: null }]]);
    expect(check(['subscribe', 'p-1'])).toEqual([['subscribe', 'p-1']]);
    expect(
      check([
        'resolve',
        [
          ['p-1', true, data],
          ['p+1', false, data],
        ],
      ]),
    ).toEqual([
      [
        'resolve',
        [
          ['p-1', true, data],
          ['p+1', false, data],
        ],
      ],
    ]);
    expect(check(['exit', true, data])).toEqual([['exit', true, data]]);
  });

  it.each([
    'dropImports',
    'retireImports',
    'retireExports',
    'abandonExports',
    'forgetPromises',
  ])('of the kind %s name references', kind => {
    expect(check([kind, ['o-1', 'p+2']])).toEqual([[kind, ['o-1', 'p+2']]]);
    expect(faultOfSyscall(kind, ['o-1', 7])).toBe('entry 7 is no vref');
    expect(faultOfSyscall(kind, ['o-1', 'o-2', 'o-3'])).toBe(
      'list of vrefs has 3 entries, more than 2',
    );
  });

  it.each([
    [['unknown', 'o+1'], 'there is no syscall "unknown"'],
    [['send', 'kp1', message], 'target "kp1" is no vref'],
    [['send', 'o+1', []], 'message is a list'],
    [['send', 'o+1', null], 'message is null'],
    [['send', 'o+1', { methargs: 'x' }], 'CapData is "x"'],
    [['send', 'o+1', { methargs: { body: 5, slots: [] } }], 'body is 5'],
    [
      ['send', 'o+1', { methargs: { body: half, slots: [] } }],
      'body has half of a surrogate pair: "a\\ud800b"',
    ],
    [
      ['send', 'o+1', { methargs: { body: '', slots: 'none' } }],
      'list of vrefs is no list',
    ],
    [['send', 'o+1', { methargs: data, result: 'r' }], 'result "r" is no vref'],
    [['subscribe', null], 'promise null is no vref'],
    [['resolve', {}], 'resolutions is no list'],
    [['resolve', [1, 2, 3]], 'resolutions has 3 entries, more than 2'],
    [['resolve', ['p+1']], 'resolution is no list'],
    [
      ['resolve', [['p+1', true, data, 1]]],
      'resolution has 4 entries, more than 3',
    ],
    [['resolve', [['p+1', 1, data]]], 'rejection flag is 1'],
    [['resolve', [['p', true, data]]], 'promise "p" is no vref'],
    [['resolve', [['p+1', true]]], 'CapData is undefined'],
    [['exit', 1, data], 'failure flag is 1'],
    [['exit', true, 1], 'CapData is 1'],
    [['subscribe', 'p-1', 1, 2], 'syscall has 4 entries, more than 3'],
  ])('are refused when they are %j', (syscall, problem) => {
    expect(faultOfSyscall(...syscall)).toBe(problem);
  });

  it('are refused when they are no list, or too many', () => {
    const all = (value: unknown) =>
      faultOf(() => checkSyscalls(value, limits, makeBudget(limits)));
    expect(all('x')).toBe('syscalls is no list');
    expect(all([1])).toBe('syscall is no list');
    expect(all(Array(3))).toBe('syscalls has 3 entries, more than 2');
    expect(all(Array(1))).toBe('syscall is no list'); // a hole is no syscall
  });

  it('spend the text of their crank, references too, to the last unit', () => {
    const spend = (units: number) =>
      checkSyscalls(
        [['send', 'o+1', { methargs: { body: '#12', slots: ['o-1'] } }]],
        limits,
        { units, references: 10 },
      );
    expect(spend(9)).toHaveLength(1);
    expect(faultOf(() => spend(8))).toBe('its crank carries too much text');
  });

  it('are not read from what an object inherits', () => {
    const inherited: unknown = Object.create({ body: '', slots: [] });
    expect(faultOfSyscall('exit', true, inherited)).toBe('body is undefined');
    expect(ownField({ own: 1 }, 'own')).toBe(1);
    expect(ownField({}, 'toString')).toBe(undefined);
  });
});

describe('the end of a crank as its vat reports it', () => {
  const done = {
    type: 'done',
    crank: 3,
    outcome: { ok: true },
    syscalls: [['subscribe', 'p-1']],
    changes: [
      ['key', 'value'],
      ['gone', null],
    ],
  };

  it('is taken over field by field', () => {
    const { type: _, ...fields } = done;
    expect(checkDone({ ...done, more: 1 }, limits)).toEqual({
      ...fields,
      isUnsure: false,
      hasMore: false,
    });
    for (const name of ['isUnsure', 'hasMore'] as const) {
      expect(checkDone({ ...done, [name]: true }, limits)[name]).toBe(true);
      expect(checkDone({ ...done, [name]: false }, limits)[name]).toBe(false);
      expect(faultOf(() => checkDone({ ...done, [name]: 1 }, limits))).toBe(
        `${name} is 1`,
      );
    }
    const outcome = { ok: false, problem: 'too long', more: 1 };
    expect(checkDone({ ...done, outcome }, limits).outcome).toEqual({
      ok: false,
      problem: 'too l',
    });
    const well = { ok: true, problem: 'none' };
    expect(checkDone({ ...done, outcome: well }, limits).outcome).toEqual({
      ok: true,
    });
  });

  it.each([
    ['x', 'done is "x"'],
    [{ ...done, crank: '3' }, 'crank is "3"'],
    [{ ...done, changes: 1 }, 'changes is no list'],
    [{ ...done, changes: [1, 2, 3] }, 'changes has 3 entries, more than 2'],
    [{ ...done, changes: [1] }, 'store change is no list'],
    [
      { ...done, changes: [['k', 'v', 1]] },
      'store change has 3 entries, more than 2',
    ],
    [{ ...done, changes: [[1, 'v']] }, 'key is 1'],
    [{ ...done, changes: [['k', 1]] }, 'stored value is 1'],
    [{ ...done, changes: [['k']] }, 'stored value is undefined'],
    [
      { ...done, changes: [[half, 'v']] },
      'key has half of a surrogate pair: "a\\ud800b"',
    ],
    [{ ...done, outcome: null }, 'outcome is null'],
    [{ ...done, outcome: {} }, 'outcome.ok is undefined'],
    [{ ...done, outcome: { ok: false } }, 'problem is undefined'],
    [{ ...done, syscalls: null }, 'syscalls is no list'],
    [
      { ...done, changes: [['k', 'x'.repeat(100)]] },
      'its crank carries too much text',
    ],
  ])('is refused when it is wrong', (value, problem) => {
    expect(faultOf(() => checkDone(value, limits))).toBe(problem);
  });

  it('shares one budget among the outcome, the syscalls and the changes', () => {
    const outcome = { ok: false, problem: 'x'.repeat(50) };
    const changes = [['k', 'x'.repeat(45)]];
    const sum = (syscalls: unknown[]) =>
      checkDone({ ...done, outcome, changes, syscalls }, limits);
    expect(sum([]).changes).toHaveLength(1);
    expect(faultOf(() => sum([['subscribe', 'p-123']]))).toBe(
      'its crank carries too much text',
    );
  });
});

describe('what else a worker says', () => {
  it('is a line of log, cut, of a level that there is', () => {
    for (const level of ['debug', 'info', 'log', 'warn', 'error']) {
      expect(checkLog({ level, text: 'text' }, limits)).toEqual({
        level,
        text: 'text',
      });
    }
    expect(checkLog({ level: 'log', text: 'longer' }, limits).text).toBe(
      'longe',
    );
    for (const fields of [
      { level: 'fatal', text: 'text' },
      { text: 'text' },
      { level: 'log', text: 1 },
      { level: 'log' },
    ]) {
      expect(faultOf(() => checkLog(fields, limits))).toBe('log is malformed');
    }
  });

  it('is why its code can’t be loaded, cut', () => {
    expect(checkFailed({ problem: 'no code' }, limits)).toBe('no co');
    expect(checkFailed({ problem: ' \n' }, limits)).toBe(
      'the vat does not say why',
    );
    expect(faultOf(() => checkFailed({}, limits))).toBe('failed is malformed');
  });

  it('is a record with a type', () => {
    const fields = { type: 'hello', version: 1 };
    expect(parseKind(fields)).toEqual({ type: 'hello', fields });
    expect(faultOf(() => parseKind({}))).toBe('message type is undefined');
    expect(faultOf(() => parseFields(null))).toBe('message is null');
    expect(faultOf(() => parseFields([]))).toBe('message is a list');
    expect(faultOf(() => parseFields('text'))).toBe('message is "text"');
  });
});
