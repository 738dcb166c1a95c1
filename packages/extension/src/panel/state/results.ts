import { signal, type ReadonlySignal } from '@preact/signals';
import {
  encodeJson,
  isPromiseVref,
  type Json,
  type KernelStatus,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
import {
  ANONYMOUS,
  describe,
  referencesOf,
  type DisplayNode,
} from './describe.ts';
import { parseJson, placeOf, type TextProblem } from './json.ts';
import { wordsOf } from './link.ts';
import type { Session, Settlement } from './session.ts';
import { findReference, referenceNamesIn, type Target } from './targets.ts';

/** A value that came, or why none came. */
export type Outcome =
  | { readonly state: 'pending' }
  | { readonly state: 'fulfilled' | 'rejected'; readonly value: DisplayNode }
  /** Never sent, or its answer lost. */
  | { readonly state: 'failed'; readonly problem: string };

/** One message that was sent from here, and what came of it. */
export type Result = {
  readonly id: number;
  readonly at: number;
  readonly target: string;
  readonly method: string;
  readonly argsText: string;
  readonly outcome: Outcome;
  /** What the promises inside the value came to, by vref. */
  readonly promises: ReadonlyMap<Vref, Outcome>;
};

export type MessageDraft = {
  readonly target: string;
  readonly method: string;
  readonly argsText: string;
};

export type DraftProblems = {
  readonly target?: string;
  readonly method?: string;
  readonly args?: TextProblem;
};

export type CheckedDraft =
  | { readonly ok: true; readonly args: readonly Json[] }
  | { readonly ok: false; readonly problems: DraftProblems };

const MAX_RESULTS = 50;
const MAX_NESTED_PROMISES = 100;

const parseArguments = (
  text: string,
): readonly Json[] | { readonly problem: TextProblem } => {
  if (text.trim() === '') {
    return [];
  }
  const parsed = parseJson(text);
  if (!parsed.ok) {
    return { problem: parsed };
  }
  if (!Array.isArray(parsed.value)) {
    const problem = 'arguments are a list: put them between [ and ]';
    return { problem: { problem, line: 1, column: 1, index: 0 } };
  }
  return parsed.value;
};

/** The first name in the arguments that stands for nothing. */
const unknownNameIn = (
  args: readonly Json[],
  text: string,
  status: KernelStatus | undefined,
): TextProblem | undefined => {
  for (const name of referenceNamesIn([...args])) {
    const found = findReference(name, status);
    if (!found.ok) {
      const index = Math.max(0, text.indexOf(JSON.stringify(name)));
      return { problem: found.problem, index, ...placeOf(text, index) };
    }
  }
  return undefined;
};

/** Checks a message before anything is sent: all problems at once. */
export const checkDraft = (
  { target, method, argsText }: MessageDraft,
  status: KernelStatus | undefined,
): CheckedDraft => {
  const found = findReference(target, status);
  const parsed = parseArguments(argsText);
  const args =
    'problem' in parsed
      ? parsed.problem
      : unknownNameIn(parsed, argsText, status);
  const problems: DraftProblems = {
    ...(found.ok ? {} : { target: found.problem }),
    ...(method.trim() === '' ? { method: 'name a method' } : {}),
    ...(args ? { args } : {}),
  };
  return Object.keys(problems).length === 0 && !('problem' in parsed)
    ? { ok: true, args: parsed }
    : { ok: false, problems };
};

export type ResultsKit = {
  /** Newest first, the last fifty. */
  readonly results: ReadonlySignal<readonly Result[]>;
  /** Sends a checked message; what becomes of it shows in `results`. */
  send(draft: MessageDraft, args: readonly Json[]): Promise<void>;
  clear(): void;
};

/** The messages sent from this panel and their results; `earlier` ones stand behind. */
export const makeResultsKit = (
  session: Session,
  status: ReadonlySignal<KernelStatus | undefined>,
  now: () => number,
  earlier: readonly Result[] = [],
): ResultsKit => {
  const results = signal(earlier);
  let count = Math.max(0, ...earlier.map(({ id }) => id));

  const change = (id: number, edit: (result: Result) => Result): void => {
    results.value = results.value.map(each =>
      each.id === id ? edit(each) : each,
    );
  };
  const setNested = (id: number, vref: Vref, outcome: Outcome): void =>
    change(id, result => ({
      ...result,
      promises: new Map(result.promises).set(vref, outcome),
    }));

  /** Follows the promises inside a value, and the promises inside of what they come to. */
  const follow = (id: number, value: DisplayNode): void => {
    for (const { vref } of referencesOf(value)) {
      const known = results.value.find(each => each.id === id)?.promises;
      const wanted = known && !known.has(vref) && isPromiseVref(vref);
      if (!wanted || known.size >= MAX_NESTED_PROMISES) {
        continue;
      }
      setNested(id, vref, { state: 'pending' });
      void session.settlementOf(vref).then(
        settlement => {
          const outcome = outcomeOf(settlement);
          setNested(id, vref, outcome);
          if ('value' in outcome) {
            follow(id, outcome.value);
          }
        },
        (error: unknown) =>
          setNested(id, vref, { state: 'failed', problem: wordsOf(error) }),
      );
    }
  };

  const vrefOf = async (name: string): Promise<Vref> => {
    const found = findReference(name, status.value);
    if (!found.ok) {
      throw new Error(found.problem);
    }
    return (await session.reference(found.request)).vref;
  };
  const deliverDraft = async (
    draft: MessageDraft,
    args: readonly Json[],
  ): Promise<Settlement> => {
    const names = [...new Set(referenceNamesIn([...args]))];
    const [target, ...found] = await Promise.all([
      vrefOf(draft.target),
      ...names.map(vrefOf),
    ]);
    const vrefs = new Map(names.map((name, index) => [name, found[index]]));
    const methargs = encodeJson<Vref>([draft.method.trim(), args], name => {
      const vref = vrefs.get(name);
      if (vref === undefined) {
        throw new Error(`${name} was not asked for`);
      }
      return vref;
    });
    return session.send(target, methargs);
  };

  return Object.freeze({
    results,
    clear: () => {
      results.value = [];
    },
    send: async (draft, args) => {
      count += 1;
      const id = count;
      const begun: Result = {
        id,
        at: now(),
        target: draft.target.trim(),
        method: draft.method.trim(),
        argsText: draft.argsText.trim(),
        outcome: { state: 'pending' },
        promises: new Map(),
      };
      results.value = [begun, ...results.value].slice(0, MAX_RESULTS);
      const outcome = await deliverDraft(draft, args).then(
        outcomeOf,
        (error: unknown): Outcome => ({
          state: 'failed',
          problem: wordsOf(error),
        }),
      );
      change(id, result => ({ ...result, outcome }));
      if ('value' in outcome) {
        follow(id, outcome.value);
      }
    },
  } satisfies ResultsKit);
};

/** A vat that lost its heap rejects with a record, not an error; a person wants the sentence. */
const readDisconnection = (node: DisplayNode): DisplayNode => {
  if (node.kind !== 'record') {
    return node;
  }
  const part = (name: string): DisplayNode | undefined =>
    node.fields.find(field => field.name === name)?.value;
  const name = part('name');
  const message = part('upgradeMessage');
  return name?.kind === 'string' &&
    name.text === 'vatUpgraded' &&
    message?.kind === 'string'
    ? {
        kind: 'error',
        name: 'vatUpgraded',
        message: `the vat began anew before it answered: ${message.text}`,
        fields: node.fields.filter(field => field.name === 'incarnationNumber'),
      }
    : node;
};

const outcomeOf = (settlement: Settlement): Outcome =>
  settlement.state === 'lost'
    ? { state: 'failed', problem: settlement.reason }
    : {
        state: settlement.state,
        value:
          settlement.state === 'rejected'
            ? readDisconnection(describe(settlement.data))
            : describe(settlement.data),
      };

/** Objects that results have brought, as targets for the next message. */
export const targetsInResults = (results: readonly Result[]): Target[] => {
  const found = new Map<Kref, Target>();
  const collect = (outcome: Outcome): void => {
    if (!('value' in outcome)) {
      return;
    }
    for (const { kind, kref, iface } of referencesOf(outcome.value)) {
      const isBetter =
        kref !== undefined &&
        (found.get(kref)?.detail ?? ANONYMOUS) === ANONYMOUS;
      if (kind === 'object' && isBetter) {
        found.set(kref, { name: kref, detail: iface, group: 'results', kref });
      }
    }
  };
  for (const { outcome, promises } of results) {
    collect(outcome);
    promises.forEach(collect);
  }
  return [...found.values()];
};
