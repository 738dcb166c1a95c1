/// <reference lib="es2024.string" />
import harden from '@endo/harden';
import {
  isVref,
  showValue,
  type CapData,
  type LogLevel,
  type Message,
  type Outcome,
  type Resolution,
  type StoreChange,
  type Syscall,
  type VatLimits,
  type Vref,
} from '@cooperage/protocol';
import { faultUnless, EndpointFault } from '../faults.ts';

/**
 * Checks of what an endpoint sends, written by hand: own properties only,
 * counts before contents, nothing trusted. Each gives a fresh, typed copy or
 * throws EndpointFault.
 */
type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const own = (fields: Fields, key: string): unknown =>
  Object.hasOwn(fields, key) ? fields[key] : undefined;

/** What a crank may still carry: counted as it is checked, text and references, which are text too. */
export type Budget = { units: number; references: number };

export const makeBudget = (limits: VatLimits): Budget => ({
  units: limits.unitsPerCrank,
  references: limits.referencesPerCrank,
});
harden(makeBudget);

const spend = (budget: Budget, text: string): void => {
  budget.units -= text.length;
  faultUnless(budget.units >= 0, () => 'its crank carries too much text');
};

/** A database would store U+FFFD for half of a surrogate pair, and say nothing. */
const insistWellFormed = (text: string, what: string): void =>
  faultUnless(
    text.isWellFormed(),
    () => `${what} has half of a surrogate pair: ${showValue(text)}`,
  );

const checkText = (value: unknown, what: string, budget: Budget): string => {
  faultUnless(
    typeof value === 'string',
    () => `${what} is ${showValue(value)}`,
  );
  spend(budget, value);
  insistWellFormed(value, what);
  return value;
};

const checkList = (
  value: unknown,
  what: string,
  most: number,
): readonly unknown[] => {
  faultUnless(Array.isArray(value), () => `${what} is no list`);
  faultUnless(
    value.length <= most,
    () => `${what} has ${value.length} entries, more than ${most}`,
  );
  return Array.from(value); // a hole is not skipped
};

const checkVref = (value: unknown, what: string, budget: Budget): Vref => {
  faultUnless(isVref(value), () => `${what} ${showValue(value)} is no vref`);
  spend(budget, value);
  budget.references -= 1;
  faultUnless(
    budget.references >= 0,
    () => 'its crank names too many references',
  );
  return value;
};

const checkVrefs = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): Vref[] =>
  checkList(value, 'list of vrefs', limits.slotsPerMessage).map(each =>
    checkVref(each, 'entry', budget),
  );

const checkCapData = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): CapData => {
  faultUnless(isFields(value), () => `CapData is ${showValue(value)}`);
  return {
    body: checkText(own(value, 'body'), 'body', budget),
    slots: checkVrefs(own(value, 'slots'), limits, budget),
  };
};

const checkMessage = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): Message => {
  faultUnless(isFields(value), () => `message is ${showValue(value)}`);
  const result = own(value, 'result') ?? null;
  return {
    methargs: checkCapData(own(value, 'methargs'), limits, budget),
    result: result === null ? null : checkVref(result, 'result', budget),
  };
};

const checkResolution = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): Resolution => {
  const [promise, isRejected, data] = checkList(value, 'resolution', 3);
  faultUnless(
    typeof isRejected === 'boolean',
    () => `rejection flag is ${showValue(isRejected)}`,
  );
  return [
    checkVref(promise, 'promise', budget),
    isRejected,
    checkCapData(data, limits, budget),
  ];
};

const checkSyscall = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): Syscall => {
  const [name, first, second] = checkList(value, 'syscall', 3);
  switch (name) {
    case 'send':
      return [
        'send',
        checkVref(first, 'target', budget),
        checkMessage(second, limits, budget),
      ];
    case 'subscribe':
      return ['subscribe', checkVref(first, 'promise', budget)];
    case 'resolve':
      return [
        'resolve',
        checkList(first, 'resolutions', limits.slotsPerMessage).map(each =>
          checkResolution(each, limits, budget),
        ),
      ];
    case 'exit':
      faultUnless(
        typeof first === 'boolean',
        () => `failure flag is ${showValue(first)}`,
      );
      return ['exit', first, checkCapData(second, limits, budget)];
    case 'dropImports':
    case 'retireImports':
    case 'retireExports':
    case 'abandonExports':
    case 'forgetPromises':
      return [name, checkVrefs(first, limits, budget)];
    default:
      throw new EndpointFault(`there is no syscall ${showValue(name)}`);
  }
};

export const checkSyscalls = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): Syscall[] =>
  checkList(value, 'syscalls', limits.syscallsPerCrank).map(each =>
    checkSyscall(each, limits, budget),
  );
harden(checkSyscalls);

const checkChange = (value: unknown, budget: Budget): StoreChange => {
  const [key, content] = checkList(value, 'store change', 2);
  return [
    checkText(key, 'key', budget),
    content === null ? null : checkText(content, 'stored value', budget),
  ];
};

/** A problem becomes a line of log and the reason of rejections: it is cut as a line is, and says something. */
export const showProblem = (text: string, { logUnits }: VatLimits): string => {
  const problem = text.slice(0, logUnits);
  return /\S/.test(problem) ? problem : 'the vat does not say why';
};
harden(showProblem);

const checkOutcome = (
  value: unknown,
  limits: VatLimits,
  budget: Budget,
): Outcome => {
  faultUnless(isFields(value), () => `outcome is ${showValue(value)}`);
  const ok = own(value, 'ok');
  faultUnless(typeof ok === 'boolean', () => `outcome.ok is ${showValue(ok)}`);
  if (ok) {
    return { ok };
  }
  const problem = checkText(own(value, 'problem'), 'problem', budget);
  return { ok, problem: showProblem(problem, limits) };
};

/** A flag that may be left out. */
const checkMark = (fields: Fields, name: string): boolean => {
  const mark = own(fields, name);
  faultUnless(
    mark === undefined || typeof mark === 'boolean',
    () => `${name} is ${showValue(mark)}`,
  );
  return mark ?? false;
};

/** A crank's end as its vat reported it. */
export type Done = {
  readonly crank: number;
  readonly outcome: Outcome;
  readonly syscalls: readonly Syscall[];
  readonly changes: readonly StoreChange[];
  /** Of a reap: there may be more to find. */
  readonly isUnsure: boolean;
  /** Of a reap, or a start: the vat has more to let go of. */
  readonly hasMore: boolean;
};

export const checkDone = (value: unknown, limits: VatLimits): Done => {
  faultUnless(isFields(value), () => `done is ${showValue(value)}`);
  const budget = makeBudget(limits);
  const crank = own(value, 'crank');
  faultUnless(typeof crank === 'number', () => `crank is ${showValue(crank)}`);
  const changes = checkList(
    own(value, 'changes'),
    'changes',
    limits.changesPerCrank,
  );
  return {
    crank,
    outcome: checkOutcome(own(value, 'outcome'), limits, budget),
    syscalls: checkSyscalls(own(value, 'syscalls'), limits, budget),
    changes: changes.map(each => checkChange(each, budget)),
    isUnsure: checkMark(value, 'isUnsure'),
    hasMore: checkMark(value, 'hasMore'),
  };
};
harden(checkDone);

const LOG_LEVELS: readonly LogLevel[] = [
  'debug',
  'info',
  'log',
  'warn',
  'error',
];

/** A line of log as its vat wrote it, cut to the length that a line may have. */
export const checkLog = (
  fields: Fields,
  { logUnits }: VatLimits,
): { readonly level: LogLevel; readonly text: string } => {
  const level = LOG_LEVELS.find(each => each === own(fields, 'level'));
  const text = own(fields, 'text');
  faultUnless(level && typeof text === 'string', () => 'log is malformed');
  return { level, text: text.slice(0, logUnits) };
};
harden(checkLog);

/** Why a vat's code can't be loaded, cut as a line of log. */
export const checkFailed = (fields: Fields, limits: VatLimits): string => {
  const problem = own(fields, 'problem');
  faultUnless(typeof problem === 'string', () => 'failed is malformed');
  return showProblem(problem, limits);
};
harden(checkFailed);

/** A record whose fields are still unchecked. */
export const parseFields = (message: unknown): Fields => {
  faultUnless(isFields(message), () => `message is ${showValue(message)}`);
  return message;
};
harden(parseFields);

/** What kind of message a worker sent; the rest of it is still unchecked. */
export const parseKind = (
  message: unknown,
): { readonly type: string; readonly fields: Fields } => {
  const fields = parseFields(message);
  const type = own(fields, 'type');
  faultUnless(
    typeof type === 'string',
    () => `message type is ${showValue(type)}`,
  );
  return { type, fields };
};
harden(parseKind);

export const ownField = own;
harden(ownField);
