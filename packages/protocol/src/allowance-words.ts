import type { AllowanceUse, VatBounds } from './allowance.ts';
import { inDigits } from './digits.ts';

const NAMES_OF_LIMITS: Readonly<Record<keyof VatBounds, string>> = {
  inboxMessages: 'messages waiting for it',
  inboxUnits: 'units of these',
  sentUnits: 'units of its messages that wait',
  promises: 'promises made',
  promiseUnits: 'units of their answers',
  references: 'references exported',
  serviceUnits: 'units of objects of services',
  storeBytes: 'bytes stored',
  syscallsPerCrank: 'syscalls in a crank',
  referencesPerCrank: 'references in the syscalls of a crank',
  changesPerCrank: 'changes of its store in a crank',
  slotsPerMessage: 'references in a message',
  unitsPerMessage: 'units in a message or an answer',
  unitsPerCrank: 'units in a crank',
  logLinesPerCrank: 'lines of log in a crank',
  logLinesPerSecond: 'lines of log in this second',
};

/** `3 of 100,000 messages waiting for it`, `at most 10,000 references in a message` */
export const wordsOfUse = ({ limit, now, most }: AllowanceUse): string =>
  [
    now === null ? 'at most' : `${inDigits(now)} of`,
    inDigits(most),
    NAMES_OF_LIMITS[limit],
  ].join(' ');
