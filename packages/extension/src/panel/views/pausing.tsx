/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { KernelStatus, VatId } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { ActionProblem } from './action-problem.tsx';

const KEY = 'pausing';

const nameOf = ({ clusters }: KernelStatus, id: VatId): string => {
  for (const { name, vats } of clusters) {
    const vat = vats.find(each => each.id === id);
    if (vat) {
      return `${name}.${vat.name}`;
    }
  }
  return id;
};

/** Holds all vats still, and lets them go on, together or by one delivery. */
export const Pausing = ({
  bench,
  status,
}: {
  readonly bench: Bench;
  readonly status: KernelStatus;
}) => {
  const { actions, connection } = bench;
  const stepped = useSignal('');
  /** Pressed here: then the focus goes with the button that comes in its place. */
  const isPressed = useRef(false);
  const disabled =
    !bench.canAct.value || actions.states.value.get(KEY)?.state === 'busy';
  if (!status.isPaused) {
    return (
      <Button
        tone="quiet"
        label="Pause all vats"
        disabled={disabled}
        autoFocus={isPressed.current}
        onPress={() => {
          isPressed.current = true;
          stepped.value = '';
          void actions.control(KEY, 'All vats are paused', 'pause', {});
        }}
      >
        Pause
      </Button>
    );
  }
  const step = (): Promise<boolean> =>
    actions.run(
      KEY,
      () => stepped.value,
      async () => {
        const { vat } = await connection.call('step', {});
        stepped.value =
          vat === null
            ? 'Nothing waits to be delivered'
            : `One delivery to ${nameOf(connection.status.value ?? status, vat)}`;
      },
    );
  return (
    <>
      <div class="row">
        {stepped.value === '' ? null : <small>{stepped.value}</small>}
        <Button
          tone="quiet"
          label="Make one delivery"
          disabled={disabled}
          autoFocus={isPressed.current}
          onPress={() => void step()}
        >
          Step
        </Button>
        <Button
          tone="quiet"
          label="Let all vats go on"
          disabled={disabled}
          onPress={() => {
            isPressed.current = true;
            void actions.control(KEY, 'All vats go on', 'unpause', {});
          }}
        >
          Go on
        </Button>
      </div>
      <ActionProblem bench={bench} actionKey={KEY} />
    </>
  );
};
