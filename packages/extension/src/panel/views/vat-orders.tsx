/** @jsxImportSource preact */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type {
  ClusterStatus,
  ControlMethods,
  VatState,
  VatStatus,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { upgradeKey } from '../state/upgrading.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmButton } from '../ui/confirm.tsx';
import { ActionProblem } from './action-problem.tsx';
import { Upgrade } from './upgrade.tsx';

export type VatProps = {
  readonly bench: Bench;
  readonly cluster: ClusterStatus;
  readonly vat: VatStatus;
};

type OrderName = 'restart' | 'resume' | 'suspend' | 'pause' | 'unpause';

type Order = {
  readonly method: OrderName & keyof ControlMethods;
  readonly text: string;
  /** What follows, for one who has not done it yet. */
  readonly about: string;
  /** What is announced then, after the vat's name. */
  readonly done: string;
};

const RESTART: Order = {
  method: 'restart',
  text: 'Restart',
  about: 'takes its heap, and starts it anew over its store',
  done: 'restarts',
};
const START: Order = {
  method: 'restart',
  text: 'Start',
  about: 'starts it now instead of with the next message',
  done: 'starts',
};
const PAUSE: Order = {
  method: 'pause',
  text: 'Pause',
  about: 'holds it still, heap and all; messages wait',
  done: 'is paused',
};
const UNPAUSE: Order = {
  method: 'unpause',
  text: 'Go on',
  about: 'delivers what has waited',
  done: 'goes on',
};
const SUSPEND: Order = {
  method: 'suspend',
  text: 'Suspend',
  about: 'takes its heap; messages wait until you resume it',
  done: 'is suspended',
};
const RESUME: Order = {
  method: 'resume',
  text: 'Resume',
  about: 'starts it over its store, and delivers what has waited',
  done: 'resumes',
};

/** What may be done to a vat, by how it is. */
const ORDERS: Readonly<Record<VatState, readonly Order[]>> = {
  launching: [],
  asleep: [START, PAUSE, SUSPEND],
  starting: [RESTART, PAUSE, SUSPEND],
  running: [RESTART, PAUSE, SUSPEND],
  upgrading: [],
  paused: [UNPAUSE, RESTART, SUSPEND],
  suspended: [RESUME],
  failed: [RESTART],
};

/** The one that a person most likely wants: it stands in the vat's own line. */
export const firstOrder = (state: VatState): Order | undefined => {
  switch (state) {
    case 'paused':
      return UNPAUSE;
    case 'suspended':
      return RESUME;
    case 'failed':
      return RESTART;
    default:
      return undefined;
  }
};

/** By its id: another vat may have its name later, and not its problems. */
export const orderKey = ({ vat }: Pick<VatProps, 'vat'>): string =>
  `vat:${vat.id}`;

export const OrderButton = ({
  order: { method, text, done },
  ...props
}: VatProps & { readonly order: Order }) => {
  const { bench, cluster, vat } = props;
  const key = orderKey(props);
  const name = `${cluster.name}.${vat.name}`;
  const isBusy = bench.actions.states.value.get(key)?.state === 'busy';
  return (
    <Button
      tone="quiet"
      label={`${text} ${name}`}
      disabled={!bench.canAct.value || isBusy}
      onPress={() =>
        void bench.actions.control(key, `${name} ${done}`, method, {
          cluster: cluster.name,
          vat: vat.name,
        })
      }
    >
      {text}
    </Button>
  );
};

const TerminateButton = (props: VatProps) => {
  const { bench, cluster, vat } = props;
  const key = orderKey(props);
  const name = `${cluster.name}.${vat.name}`;
  const isLast = cluster.vats.length === 1;
  const asides = [
    vat.isCritical ? ', which others can’t do without' : '',
    isLast ? `, and so ${cluster.name}` : '',
  ].join('');
  const terminate = async (): Promise<void> => {
    const names = { cluster: cluster.name, vat: vat.name };
    const done = `${name} is terminated`;
    if (await bench.actions.control(key, done, 'terminate', names)) {
      // Its row goes, and would take the focus with it.
      document
        .querySelector<HTMLElement>('[role=tab][aria-selected=true]')
        ?.focus();
    }
  };
  return (
    <ConfirmButton
      text="Terminate"
      label={`Terminate vat ${name}`}
      question={`End ${vat.name}${asides}${asides && ','} and everything it has stored?`}
      confirmText="Terminate"
      disabled={bench.connection.phase.value.at !== 'open'}
      onConfirm={() => void terminate()}
    />
  );
};

/** A button with a form below it. */
const UpgradeOrder = (props: VatProps) => {
  const { bench, cluster, vat } = props;
  const { whose, open, close } = bench.upgrading;
  const names = { cluster: cluster.name, vat: vat.name };
  const isOpen = whose.value && upgradeKey(whose.value) === upgradeKey(names);
  const wasOpen = useRef(false);
  const place = useRef<HTMLLIElement>(null);
  // The form goes, and the focus with it, unless it is told where to.
  useLayoutEffect(() => {
    if (
      !isOpen &&
      wasOpen.current &&
      document.activeElement === document.body
    ) {
      place.current?.querySelector('button')?.focus();
    }
    wasOpen.current = isOpen === true;
  }, [isOpen]);
  return (
    <li ref={place}>
      <Button
        tone="quiet"
        label={`Upgrade ${names.cluster}.${names.vat}`}
        expanded={isOpen === true}
        disabled={!bench.canAct.value}
        onPress={() => (isOpen ? close() : open(names))}
      >
        Upgrade…
      </Button>
      <small>gives it new code over its store</small>
      {isOpen ? (
        <Upgrade bench={bench} vat={names} />
      ) : (
        <ActionProblem bench={bench} actionKey={upgradeKey(names)} />
      )}
    </li>
  );
};

/** All that a person can do to a vat, each with what follows from it. */
export const VatOrders = (props: VatProps) => {
  const { vat } = props;
  return (
    <ul class="orders">
      {ORDERS[vat.state].map(order => (
        <li key={order.text}>
          <OrderButton {...props} order={order} />
          <small>{order.about}</small>
        </li>
      ))}
      {vat.state === 'launching' ? null : <UpgradeOrder {...props} />}
      <li>
        <TerminateButton {...props} />
        <small>ends it, and erases its store</small>
      </li>
    </ul>
  );
};
