/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type {
  ClusterStatus,
  VatId,
  VatState,
  VatStatus,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { firstOrder } from '../state/vat-orders.ts';
import { Vat } from './vat.tsx';

/** More would be a long way to the next cluster. */
const MOST_SHOWN = 12;

/** `24 running, 26 asleep`: those states that there are, the most frequent first. */
const countStates = (vats: readonly VatStatus[]): string => {
  const counts = new Map<VatState, number>();
  for (const { state } of vats) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, left], [, right]) => right - left)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
};

type Props = { readonly bench: Bench; readonly cluster: ClusterStatus };

/** Those that want somebody, and those that did while this was shown: what a person has just resumed does not vanish. */
const useUrgent = (vats: readonly VatStatus[]): readonly VatStatus[] => {
  const known = useRef(new Set<VatId>());
  for (const vat of vats) {
    if (firstOrder(vat) !== undefined) {
      known.current.add(vat.id);
    }
  }
  return vats.filter(({ id }) => known.current.has(id));
};

/**
 * The vats of a cluster, in their order; many are folded, but for the urgent ones.
 * A row stays where it is in the tree, and so keeps its focus and what is open
 * in it, however many others come and go.
 */
export const VatsOf = ({ bench, cluster }: Props) => {
  const { vats } = cluster;
  const isMany = vats.length > MOST_SHOWN;
  const isOpen = useSignal(!isMany);
  // What grows while it is looked at is not folded away under somebody's hands.
  useLayoutEffect(() => {
    if (!isMany) {
      isOpen.value = true;
    }
  }, [isMany]);
  const urgent = useUrgent(vats);
  const shown = isMany && !isOpen.value ? urgent : vats;
  return (
    <>
      {isMany ? (
        <button
          type="button"
          class="fold"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          {vats.length} vats: {countStates(vats)}
        </button>
      ) : null}
      <ul class="vats">
        {shown.map(vat => (
          <Vat key={vat.id} bench={bench} cluster={cluster} vat={vat} />
        ))}
      </ul>
    </>
  );
};
