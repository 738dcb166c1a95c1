/**
 * What a vat may say, as data: a form for every word and every syscall, for
 * those who make such words by chance and break them place by place. The
 * compiler wants a form for each field, word and level that the types have: one
 * that is added later is broken too.
 */
import type { CapData } from './capdata.ts';
import type { Message, Resolution, Syscall } from './delivery.ts';
import type { FromVat, LogLevel, StoreChange } from './vat-channel.ts';
import { PROTOCOL_VERSION } from './version.ts';
import {
  either,
  FLAG,
  LINE,
  listOf,
  maybe,
  NUMBER,
  one,
  record,
  REFERENCE,
  REFERENCES,
  TEXT,
  tuple,
  type Form,
} from './word-form.ts';

export type { Form };

type Word<Type extends FromVat['type']> = Extract<FromVat, { type: Type }>;
type SyscallOf<Name extends Syscall[0]> = Extract<
  Syscall,
  readonly [Name, ...unknown[]]
>;

const CAP_DATA = record<CapData>({ body: TEXT, slots: REFERENCES });
const MESSAGE = record<Message>({
  methargs: CAP_DATA,
  result: either(REFERENCE, one(null, undefined)),
});
const RESOLUTION = tuple<Resolution>(REFERENCE, FLAG, CAP_DATA);
const STORE_CHANGE = tuple<StoreChange>(TEXT, either(TEXT, one(null)));

const LOG_LEVELS: Readonly<Record<LogLevel, true>> = {
  debug: true,
  info: true,
  log: true,
  warn: true,
  error: true,
};

export const SYSCALL_FORMS: { readonly [Name in Syscall[0]]: Form } = {
  send: tuple<SyscallOf<'send'>>(one('send'), REFERENCE, MESSAGE),
  subscribe: tuple<SyscallOf<'subscribe'>>(one('subscribe'), REFERENCE),
  resolve: tuple<SyscallOf<'resolve'>>(one('resolve'), listOf(RESOLUTION)),
  exit: tuple<SyscallOf<'exit'>>(one('exit'), FLAG, CAP_DATA),
  dropImports: tuple<SyscallOf<'dropImports'>>(one('dropImports'), REFERENCES),
  retireImports: tuple<SyscallOf<'retireImports'>>(
    one('retireImports'),
    REFERENCES,
  ),
  retireExports: tuple<SyscallOf<'retireExports'>>(
    one('retireExports'),
    REFERENCES,
  ),
  abandonExports: tuple<SyscallOf<'abandonExports'>>(
    one('abandonExports'),
    REFERENCES,
  ),
  forgetPromises: tuple<SyscallOf<'forgetPromises'>>(
    one('forgetPromises'),
    REFERENCES,
  ),
};

type Done = Word<'done'>;

export const WORD_FORMS: { readonly [Type in FromVat['type']]: Form } = {
  hello: record<Word<'hello'>>({
    type: one('hello'),
    version: one(PROTOCOL_VERSION),
  }),
  ready: record<Word<'ready'>>({ type: one('ready') }),
  failed: record<Word<'failed'>>({ type: one('failed'), problem: LINE }),
  done: record<Done>({
    type: one('done'),
    crank: NUMBER,
    outcome: either(
      record<Extract<Done['outcome'], { ok: true }>>({ ok: one(true) }),
      record<Extract<Done['outcome'], { ok: false }>>({
        ok: one(false),
        problem: TEXT,
      }),
    ),
    syscalls: listOf(either(...Object.values(SYSCALL_FORMS))),
    changes: listOf(STORE_CHANGE),
    isUnsure: maybe(FLAG),
    hasMore: maybe(FLAG),
  }),
  log: record<Word<'log'>>({
    type: one('log'),
    level: one(...Object.keys(LOG_LEVELS)),
    text: LINE,
  }),
};
