import {
  isDurableVref,
  isExportVref,
  isPromiseVref,
  ROOT_VREF,
  type CapData,
  type Json,
  type Vref,
} from '@cooperage/protocol';
import type { Draws } from './draws.ts';

/** Vats that never end: what is surely sent to them is surely done, and once. */
export const PEERS = ['alice', 'bob', 'carol'] as const;

export const peerAt = (nth: number): string => PEERS[nth] ?? PEERS[0];

export const ROOT_LABELS = PEERS.map(name => `root ${name}`);

/** What a maker may do to the vat that it has made. */
export const NODE_METHODS = [
  'terminate',
  'suspend',
  'resume',
  'pause',
  'upgrade',
  'stats',
  'done',
] as const;

/** How the names of questions end whose answers are an administrator, or tell how a vat has ended. */
export const OF_NARROW = ' of narrow';
export const OF_END = ' of end';

/** What a piece of work is, whichever attempt at it this is. */
export const plainOf = (id: string): string => id.replace(/~\d+/, '');
/** Whether some of what it came from may have been lost by the rules. */
export const isRisky = (id: string): boolean => id.includes('h');

/** How many pieces of work come from one, and which of them surely. */
export const childrenOf = (draw: Draws, id: string): string[] => {
  const plain = plainOf(id);
  const depth = plain.split('/').length;
  const count = depth > 3 ? 0 : draw(depth === 1 ? 4 : 3, plain, 'count');
  return Array.from({ length: count }, (_, index) =>
    !isRisky(plain) && draw(3, plain, index, 'sure') > 0
      ? `${id}/c${index}`
      : `${id}/h${index}`,
  );
};

/** All that is surely done when the piece of work is, itself included. */
export const sureWorkOf = (draw: Draws, id: string): string[] =>
  isRisky(id)
    ? []
    : [id, ...childrenOf(draw, id).flatMap(child => sureWorkOf(draw, child))];

/** Whose root gets a piece of work that is surely done. */
export const peerFor = (draw: Draws, id: string): string =>
  ROOT_LABELS[draw(PEERS.length, plainOf(id), 'to')] ?? '';

/** What one of a vat's vrefs means, by the vat's own books. */
export type Name = { readonly label: string; readonly isStrong: boolean };

/**
 * Rows of such a vat's store:
 *
 * - `n vref`: what the name means, and whether it is held (an import) or may be (an export);
 * - `l label`: its vref;
 * - `c vref`: a promise that this heap is to settle;
 * - `w vref`: a promise that it has asked to hear of;
 * - `r vref`: a promise that it settles when it hears of that one;
 * - `d id`: a piece of work that it has done;
 * - `x`: the next number of an export;
 * - `k`: how often an alarm has woken it;
 * - `kr`: how often the alarms have that repeat.
 */
export const namesIn = (
  store: ReadonlyMap<string, string>,
): Map<string, Name> =>
  new Map(
    [...store]
      .filter(([key]) => key.startsWith('n '))
      .map(([key, value]) => [key.slice(2), JSON.parse(value) as Name]),
  );

/** Names that survive the heap, as the kernel has it. */
export const survivesHeap = (
  store: ReadonlyMap<string, string>,
  vref: string,
): boolean =>
  isPromiseVref(vref as Vref)
    ? store.has(`w ${vref}`)
    : !isExportVref(vref as Vref) ||
      isDurableVref(vref as Vref) ||
      vref === ROOT_VREF;

export const workDoneIn = (store: ReadonlyMap<string, string>): string[] =>
  [...store.keys()]
    .filter(key => key.startsWith('d '))
    .map(key => key.slice(2));

/** A message that asks for work; labels say what each slot is. */
export const workBody = (id: string, labels: readonly string[]): string =>
  `#${JSON.stringify(['work', [id, labels]])}`;

/** CapData with references, each labeled. */
export const dataBody = (labels: readonly string[]): string =>
  `#${JSON.stringify(['data', labels])}`;

const FIRST = '$0.Alleged: ';

/** The labels of the references in a resolution that such a vat, or such a client, made; of the kernel's own those of a vat that was born. */
export const labelsIn = ({ body }: CapData): string[] => {
  const value: unknown = JSON.parse(body.slice(1));
  if (typeof value === 'string' && value.startsWith(FIRST)) {
    return [value.slice(FIRST.length)];
  }
  const { root, node } = Object(value);
  if (typeof root === 'string' && node !== undefined) {
    const name = root.slice(FIRST.length);
    return [`root ${name}`, `node ${name}`];
  }
  return Array.isArray(value) && value[0] === 'data' ? value[1] : [];
};

/** What a promise with that label is fulfilled with: what a service gives is called after the question. */
export const labelsFor = (
  promise: string | undefined,
  data: CapData,
): readonly string[] => {
  const [, question] = /^res (.* of narrow) of /.exec(promise ?? '') ?? [];
  return question !== undefined && data.slots.length === 1
    ? [`administrator ${question}`]
    : labelsIn(data);
};

/** Why the kernel, by its documents, may reject a promise. */
const DOCUMENTED =
  /^#"enough"$|"name":"vatUpgraded"|is gone: its vat|was terminated|ended itself|kernel was restarted|session is over|fulfilled with data|client closed it|client is gone|^#\["data"|vat was ended|was revoked|has no method|quota of|wait to hear how|is attenuated|was not made: |was not upgraded: |there is no bundle |the vat has ended|the vat is (?:paused|suspended)|a person has paused or suspended|no upgrade |would have no|can't be fetched/;
export const isDocumented = ({ body }: CapData): boolean =>
  DOCUMENTED.test(body);

/** A call of a service's; `$0` in the arguments is the first slot. */
export const callBody = (method: string, args: readonly Json[]): string =>
  `#${JSON.stringify([method, args])}`;

/** An administrator that may do less is asked for: that makes few vats, small ones, or of no code at all. */
export const narrowBody = (draw: Draws, id: string): string =>
  callBody('attenuate', [
    {
      vats: 1 + draw(3, id, 'vats'),
      ...(draw(2, id, 'bytes') > 0 && {
        bytes: 1_000_000 * (1 + draw(2, id, 'shares')),
      }),
      ...(draw(2, id, 'code') > 0 && {
        bundles: draw(4, id, 'none') > 0 ? ['helper'] : [],
      }),
    },
  ]);

/** A vat that is to be made: it gets the roots, and knows by its parameters what they are. */
export const birthBody = (
  bundle: string,
  name: string,
  labels: readonly string[],
): string =>
  callBody('createVat', [
    bundle,
    {
      name,
      parameters: { labels, friends: labels.map((_, index) => `$${index}`) },
      policy: { onFault: 'restart', eviction: 'any' },
    },
  ]);

/** Where a vat or a client asks, once for each piece of work. */
export const urlFor = (id: string): string =>
  `https://example.org/${encodeURIComponent(id)}`;
