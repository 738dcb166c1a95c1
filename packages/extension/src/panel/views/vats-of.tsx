/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type {
  ClusterStatus,
  VatId,
  VatState,
  VatStatus,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Vat } from './vat.tsx';

/** More would be a long way to the next cluster. */
const MOST_SHOWN = 12;

/** Whether a person should see to it: such a vat is never folded away. */
const NEEDS_SOMEBODY: Readonly<Record<VatState, boolean>> = {
  launching: false,
  asleep: false,
  starting: false,
  running: false,
  upgrading: false,
  paused: true,
  suspended: true,
  failed: true,
};

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

const List = ({
  bench,
  cluster,
  vats,
}: Props & { readonly vats: readonly VatStatus[] }) => (
  <ul class="vats">
    {vats.map(vat => (
      <Vat key={vat.id} bench={bench} cluster={cluster} vat={vat} />
    ))}
  </ul>
);

/** Those that want somebody, and those that did while this was shown: what a person has just resumed does not vanish. */
const useUrgent = (vats: readonly VatStatus[]): readonly VatStatus[] => {
  const known = useRef(new Set<VatId>());
  for (const { id, state } of vats) {
    if (NEEDS_SOMEBODY[state]) {
      known.current.add(id);
    }
  }
  return vats.filter(({ id }) => known.current.has(id));
};

/** Many vats: folded, but for the urgent ones; unfolded they stand in their order, and none moves. */
const Many = ({ bench, cluster }: Props) => {
  const isOpen = useSignal(false);
  const { vats } = cluster;
  const urgent = useUrgent(vats);
  const above = isOpen.value ? [] : urgent;
  const folded = vats.filter(vat => !above.includes(vat));
  return (
    <>
      {above.length === 0 ? null : (
        <List bench={bench} cluster={cluster} vats={above} />
      )}
      {folded.length === 0 ? null : (
        <details
          class="many"
          onToggle={event => {
            isOpen.value = event.currentTarget.open;
          }}
        >
          <summary>
            {folded.length} {above.length === 0 ? '' : 'other '}vats:{' '}
            {countStates(folded)}
          </summary>
          {isOpen.value ? (
            <List bench={bench} cluster={cluster} vats={folded} />
          ) : null}
        </details>
      )}
    </>
  );
};

/** The vats of a cluster. */
export const VatsOf = ({ bench, cluster }: Props) =>
  cluster.vats.length <= MOST_SHOWN ? (
    <List bench={bench} cluster={cluster} vats={cluster.vats} />
  ) : (
    <Many bench={bench} cluster={cluster} />
  );
