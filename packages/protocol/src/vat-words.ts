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

export type Form =
  /** One of these values. */
  | { readonly is: 'one'; readonly of: readonly unknown[] }
  /** A `line` may have halves of surrogate pairs, for only people read it. */
  | { readonly is: 'text' | 'line' | 'reference' | 'number' | 'flag' }
  | { readonly is: 'list'; readonly of: Form }
  | { readonly is: 'tuple'; readonly of: readonly Form[] }
  /** With these fields; others are not read. */
  | { readonly is: 'record'; readonly fields: Readonly<Record<string, Form>> }
  /** The first is the most frequent one. */
  | { readonly is: 'either'; readonly of: readonly Form[] };

type FieldForms<Type> = { readonly [Field in keyof Type]-?: Form };
type Word<Type extends FromVat['type']> = Extract<FromVat, { type: Type }>;
type SyscallOf<Name extends Syscall[0]> = Extract<
  Syscall,
  readonly [Name, ...unknown[]]
>;

const one = (...of: readonly unknown[]): Form => ({ is: 'one', of });
const listOf = (of: Form): Form => ({ is: 'list', of });
const either = (...of: readonly Form[]): Form => ({ is: 'either', of });
const maybe = (form: Form): Form => either(form, one(undefined));
const record = <Type>(fields: FieldForms<Type>): Form => ({
  is: 'record',
  fields,
});
const tuple = <Type extends readonly unknown[]>(
  ...of: FieldForms<Type> & readonly Form[]
): Form => ({ is: 'tuple', of });

const TEXT: Form = { is: 'text' };
const LINE: Form = { is: 'line' };
const REFERENCE: Form = { is: 'reference' };
const NUMBER: Form = { is: 'number' };
const FLAG: Form = { is: 'flag' };
const REFERENCES = listOf(REFERENCE);

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
