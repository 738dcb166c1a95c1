/** @jsxImportSource preact */
import { useRef } from 'preact/hooks';
import type { ClusterStatus, VatStatus } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { upgradeKey } from '../state/upgrading.ts';
import { ordersOf, type Order } from '../state/vat-orders.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmButton } from '../ui/confirm.tsx';
import { useKeptFocus } from '../ui/kept-focus.ts';
import { ActionProblem } from './action-problem.tsx';
import { Upgrade } from './upgrade.tsx';

export type VatProps = {
  readonly bench: Bench;
  readonly cluster: ClusterStatus;
  readonly vat: VatStatus;
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
          id: vat.id,
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
    const names = { cluster: cluster.name, vat: vat.name, id: vat.id };
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
  const named = { id: vat.id, cluster: cluster.name, vat: vat.name };
  const isOpen = whose.value?.id === vat.id;
  const isUnderWay = vat.state === 'upgrading';
  const place = useRef<HTMLLIElement>(null);
  // With its form.
  useKeptFocus(place);
  return (
    <li ref={place}>
      <Button
        tone="quiet"
        label={`Upgrade ${named.cluster}.${named.vat}`}
        expanded={isOpen}
        disabled={!isOpen && (isUnderWay || !bench.canAct.value)}
        onPress={() => (isOpen ? close() : open(named))}
      >
        Upgrade…
      </Button>
      <small>
        {isUnderWay
          ? 'one is under way; to restart, suspend or end it calls that off'
          : 'gives it new code over its store'}
      </small>
      {isOpen ? (
        <Upgrade bench={bench} vat={named} />
      ) : (
        <ActionProblem bench={bench} actionKey={upgradeKey(named)} />
      )}
    </li>
  );
};

/** All that a person can do to a vat, each with what follows from it. */
export const VatOrders = (props: VatProps) => {
  const { vat } = props;
  const list = useRef<HTMLUListElement>(null);
  // An order that was obeyed may give way to its opposite.
  useKeptFocus(list);
  return (
    <ul class="orders" ref={list}>
      {ordersOf(vat).map(order => (
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
