import type { ClusterId, Kref, VatId } from '@cooperage/protocol';
import type { Draws } from './draws.ts';
import { namesIn, OF_END, plainOf, sureWorkOf } from './durable-work.ts';
import type { Rig } from './rig.ts';

/** What of the facts does not hold of what is stored. */
export const brokenFacts = (
  facts: ReadonlyMap<string, string>,
  { kernel: { state } }: Rig,
): string[] =>
  [...facts].flatMap(([thing, fact]) => {
    const [kind, name = ''] = thing.split(' ');
    const vat = [...state.vats.values()].find(row => row.name === name);
    const finders = new Map([
      ['cluster', () => (state.clusterByName.has(name) ? 'there' : 'gone')],
      ['home', () => (state.home.has(name) ? 'there' : 'gone')],
      ['code', () => String(vat?.bundle)],
      ['child', () => (vat ? 'there' : 'gone')],
      [
        'stored',
        () => state.keptBundles.get('person', name)?.hash ?? 'nothing',
      ],
      [
        'alarm',
        () => (state.timerByAlarm.get(name as Kref) ? 'there' : 'gone'),
      ],
      ['suspension', () => (vat?.suspension === null ? 'none' : 'suspended')],
      ['pause', () => (vat?.paused ? 'paused' : 'not paused')],
    ]);
    const found = finders.get(kind ?? '')?.();
    return found === fact
      ? []
      : [`${thing} was answered to be ${fact}, and is ${found}`];
  });

/** Clusters whose vats are woken again and again. */
export const repeatingClusters = ({ kernel: { state } }: Rig): string[] => {
  const clusters = new Set<ClusterId>();
  for (const { handler, period } of state.timers.values()) {
    const owner = handler && state.objects.get(handler)?.owner;
    const vat = owner ? state.vats.get(owner as VatId) : undefined;
    if (period !== null && vat) {
      clusters.add(vat.cluster);
    }
  }
  return [...clusters].flatMap(id => state.clusters.get(id)?.name ?? []);
};

/** Pieces of work that were not done, or not all that surely follows from them. */
export const undoneIn = (
  draw: Draws,
  wanted: readonly string[],
  done: ReadonlySet<string>,
): string[] => {
  const plain = new Set([...done].map(plainOf));
  return [
    ...wanted
      .flatMap(id => sureWorkOf(draw, id))
      .filter(id => !plain.has(id))
      .map(id => `${id} was asked for, and never done`),
    ...[...done]
      .flatMap(id => sureWorkOf(draw, id))
      .filter(id => !done.has(id))
      .map(id => `${id} follows from what was done, and was not done`),
  ];
};

/** Vats that have asked how one that they have made ends, and that was not told them, although it has ended and nothing holds them up. */
export const unheardEnds = (
  { kernel: { state } }: Rig,
  stores: ReadonlyMap<VatId, ReadonlyMap<string, string>>,
): string[] => {
  const rows = [...state.vats.values()];
  const there = new Set(rows.map(({ name }) => name));
  return rows.flatMap(({ id, name, paused, suspension, failure }) => {
    const store = stores.get(id) ?? new Map<string, string>();
    const names = namesIn(store);
    return paused || suspension !== null || failure !== null
      ? []
      : [...store]
          .filter(
            ([key, value]) => key.startsWith('w ') && value.endsWith(OF_END),
          )
          .flatMap(([key]) => names.get(key.slice(2))?.label ?? [])
          .map(label => label.replace(/^.* node /, ''))
          .filter(child => !there.has(child))
          .map(child => `${name} was never told how ${child} has ended`);
  });
};
