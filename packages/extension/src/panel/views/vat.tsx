/** @jsxImportSource preact */
import { useRef } from 'preact/hooks';
import { wordsOfStop, type VatState } from '@cooperage/protocol';
import { upgradeKey } from '../state/upgrading.ts';
import { firstOrder } from '../state/vat-orders.ts';
import { Button } from '../ui/button.tsx';
import { useKeptFocus } from '../ui/kept-focus.ts';
import { LongText } from '../ui/long-text.tsx';
import { Notice } from '../ui/notice.tsx';
import { StateMark, type MarkTone } from '../ui/state-mark.tsx';
import { ActionProblem } from './action-problem.tsx';
import { InspectButton } from './inspect-button.tsx';
import {
  OrderButton,
  orderKey,
  VatOrders,
  type VatProps,
} from './vat-orders.tsx';

const VAT_TONES: Readonly<Record<VatState, MarkTone>> = {
  launching: 'busy',
  asleep: 'calm',
  starting: 'busy',
  running: 'good',
  upgrading: 'busy',
  paused: 'warn',
  suspended: 'bad',
  failed: 'bad',
};

export const VatMark = ({ vat }: Pick<VatProps, 'vat'>) => (
  <StateMark tone={VAT_TONES[vat.state]} text={vat.state} />
);

/** Why it does not run. */
export const VatReason = ({ vat }: Pick<VatProps, 'vat'>) =>
  vat.reason === undefined ? null : (
    <Notice
      tone={
        vat.state === 'failed' || vat.state === 'suspended' ? 'bad' : 'warn'
      }
    >
      <div>
        <LongText text={vat.reason} />
      </div>
    </Notice>
  );

const EVICTIONS = {
  unseen:
    'Idle, it may lose its worker and its heap if nobody outside can tell',
  any: 'Idle, it may lose its worker and its heap',
} as const;

/** What its config says that a person has to know before doing anything to it. */
export const VatTraits = ({
  vat: { isCritical, eviction },
}: Pick<VatProps, 'vat'>) => (
  <>
    {isCritical ? (
      <small title="If it fails or ends itself, the kernel rests until a person starts it">
        {' '}
        critical
      </small>
    ) : null}
    {eviction === undefined ? null : (
      <small title={EVICTIONS[eviction]}> evictable</small>
    )}
  </>
);

const VatName = ({ cluster, vat }: Pick<VatProps, 'cluster' | 'vat'>) => (
  <span class="vat-name">
    {vat.name}
    {vat.name === cluster.bootstrap && cluster.vats.length > 1 ? (
      <small title="Its root got bootstrap(vats, services)"> bootstrap</small>
    ) : null}
    <VatTraits vat={vat} />
  </span>
);

const VatFacts = ({ vat }: Pick<VatProps, 'vat'>) => (
  <p class="facts">
    <code title="The kernel’s name for its root object">
      {vat.root ?? 'no root yet'}
    </code>
    <span title="How many times it has started over its store">
      incarnation {vat.incarnation}
    </span>
    {vat.stoppedBy === undefined ? null : (
      <span title="Nobody of less authority can let it go on">
        stopped {wordsOfStop(vat.stoppedBy)}
      </span>
    )}
    {vat.waiting === 0 ? null : <span>{vat.waiting} waiting</span>}
  </p>
);

/** One vat of a cluster, and behind a button what can be done to it. */
export const Vat = (props: VatProps) => {
  const { bench, cluster, vat } = props;
  const { managed } = bench;
  const isOpen = managed.value.has(vat.id);
  const name = `${cluster.name}.${vat.name}`;
  const first = firstOrder(vat);
  const buttons = useRef<HTMLDivElement>(null);
  // The order of its state goes with the state.
  useKeptFocus(buttons);
  return (
    <li class="vat">
      <div class="vat-line">
        <VatName cluster={cluster} vat={vat} />
        <VatMark vat={vat} />
      </div>
      <div class="vat-line">
        <VatFacts vat={vat} />
        <div class="row" ref={buttons}>
          {first === undefined || isOpen ? null : (
            <OrderButton {...props} order={first} />
          )}
          {vat.root === null ? null : (
            <>
              <Button
                tone="quiet"
                label={`Send a message to ${name}`}
                onPress={() => bench.address(name)}
              >
                Message
              </Button>
              <InspectButton bench={bench} subject={vat.id} name={name} />
            </>
          )}
          <Button
            tone="quiet"
            label={`Manage ${name}`}
            expanded={isOpen}
            onPress={() => {
              const others = [...managed.value].filter(id => id !== vat.id);
              managed.value = new Set(isOpen ? others : [...others, vat.id]);
            }}
          >
            Manage
          </Button>
        </div>
      </div>
      <VatReason vat={vat} />
      {isOpen ? (
        <VatOrders {...props} />
      ) : (
        <ActionProblem bench={bench} actionKey={upgradeKey(vat)} />
      )}
      <ActionProblem bench={bench} actionKey={orderKey(props)} />
    </li>
  );
};
