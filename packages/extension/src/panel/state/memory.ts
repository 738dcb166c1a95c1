import { effect, type Signal } from '@preact/signals';
import type { MessageDraft, Outcome, Result } from './results.ts';

/**
 * Text that outlives the page, by key. A popup is closed by a click beside it;
 * what was written and what came of it shall be there when it opens again.
 * `write` never throws: what does not fit is not kept.
 */
export type Memory = {
  read(key: string): string | undefined;
  write(key: string, text: string): void;
};

export const noMemory: Memory = Object.freeze({
  read: () => undefined,
  write: () => {},
});

/** The numbers change with the form of what is written. */
const RESULTS = 'results-1';
const DRAFTS = 'drafts-1';
const LAUNCH = 'launch-1';
/** In UTF-16 units; a browser gives a page some millions. */
const MAX_RESULTS_TEXT = 500_000;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null;

const parse = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
};

/** Whoever wrote this was this panel: the parts of an outcome are not looked at. */
const isResult = (
  value: unknown,
): value is Omit<Result, 'promises'> & {
  readonly promises: Iterable<readonly [never, Outcome]>;
} =>
  isFields(value) &&
  typeof value['id'] === 'number' &&
  typeof value['at'] === 'number' &&
  ['target', 'method', 'argsText'].every(
    name => typeof value[name] === 'string',
  ) &&
  isFields(value['outcome']) &&
  Array.isArray(value['promises']);

/** Nobody hears what was still to come when the page went: its session ended. */
const ended = (outcome: Outcome): Outcome =>
  outcome.state === 'pending'
    ? {
        state: 'failed',
        problem: 'the panel was closed before the answer came',
      }
    : outcome;

/** The results of an earlier page, newest first. */
export const recallResults = (memory: Memory): readonly Result[] => {
  const found = parse(memory.read(RESULTS));
  return Array.isArray(found)
    ? found.filter(isResult).map(result => ({
        ...result,
        outcome: ended(result.outcome),
        promises: new Map(
          [...result.promises].map(
            ([vref, outcome]) => [vref, ended(outcome)] as const,
          ),
        ),
      }))
    : [];
};

const textOf = (results: readonly Result[]): string => {
  const texts: string[] = [];
  let length = 0;
  for (const result of results) {
    const text = JSON.stringify({
      ...result,
      promises: [...result.promises],
    });
    length += text.length;
    if (length > MAX_RESULTS_TEXT) {
      break;
    }
    texts.push(text);
  }
  return `[${texts.join()}]`;
};

export type Drafts = {
  readonly message: Signal<MessageDraft>;
  readonly source: Signal<string>;
};

/** A cluster that was about to be launched when the browser asked whether it may fetch. */
export type LaunchMemory = {
  readonly origin: string;
  readonly name: string;
  readonly config: Fields;
};

/** One that is too long for the memory is not kept. Undefined forgets. */
export const rememberDraft = (
  memory: Memory,
  draft: LaunchMemory | undefined,
): void => {
  if (draft === undefined) {
    memory.write(LAUNCH, 'null');
    return;
  }
  const { origin, name, config } = draft;
  memory.write(LAUNCH, JSON.stringify({ origin, name, config }));
};

export const recallDraft = (memory: Memory): LaunchMemory | undefined => {
  const found = parse(memory.read(LAUNCH));
  if (!isFields(found)) {
    return undefined;
  }
  const { origin, name, config } = found;
  return typeof origin === 'string' &&
    typeof name === 'string' &&
    isFields(config)
    ? { origin, name, config }
    : undefined;
};

/** Fills the drafts with what was written last. */
export const recallDrafts = (memory: Memory, drafts: Drafts): void => {
  const found = parse(memory.read(DRAFTS));
  if (!isFields(found)) {
    return;
  }
  const { source, target, method, argsText } = found;
  if (typeof source === 'string') {
    drafts.source.value = source;
  }
  if (
    typeof target === 'string' &&
    typeof method === 'string' &&
    typeof argsText === 'string'
  ) {
    drafts.message.value = { target, method, argsText };
  }
};

/** Writes results and drafts whenever they change, as long as the page lives. */
export const keepInMemory = (
  memory: Memory,
  results: { readonly value: readonly Result[] },
  { message, source }: Drafts,
): void => {
  effect(() => memory.write(RESULTS, textOf(results.value)));
  effect(() =>
    memory.write(
      DRAFTS,
      JSON.stringify({ ...message.value, source: source.value }),
    ),
  );
};
