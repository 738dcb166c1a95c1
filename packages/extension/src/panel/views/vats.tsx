/** @jsxImportSource preact */
import type {
  ClusterStatus,
  KernelStatus,
  VatState,
  VatStatus,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmButton } from '../ui/confirm.tsx';
import { Empty, Notice } from '../ui/notice.tsx';
import { StateMark, type MarkTone } from '../ui/state-mark.tsx';
import { ActionProblem } from './action-problem.tsx';
import { DangerZone } from './danger.tsx';

const VAT_TONES: Readonly<Record<VatState, MarkTone>> = {
  launching: 'busy',
  asleep: 'calm',
  starting: 'busy',
  running: 'good',
  suspended: 'bad',
  failed: 'bad',
};

type VatProps = {
  readonly bench: Bench;
  readonly cluster: ClusterStatus;
  readonly vat: VatStatus;
};

const restartKey = ({ cluster, vat }: VatProps): string =>
  `restart:${cluster.name}.${vat.name}`;

const VatButtons = (props: VatProps) => {
  const { bench, cluster, vat } = props;
  const key = restartKey(props);
  const name = `${cluster.name}.${vat.name}`;
  const isBusy = bench.actions.states.value.get(key)?.state === 'busy';
  const disabled = !bench.canAct.value || isBusy;
  // Without a worker nothing ends: it only starts now instead of with the next message.
  const verb = vat.state === 'asleep' ? 'Start' : 'Restart';
  return (
    <div class="row">
      <Button
        tone="quiet"
        label={`${verb} ${name}`}
        disabled={disabled}
        onPress={() =>
          void bench.actions.control(
            key,
            `${name} ${verb.toLowerCase()}s`,
            'restart',
            {
              cluster: cluster.name,
              vat: vat.name,
            },
          )
        }
      >
        {isBusy ? `${verb}ing…` : verb}
      </Button>
      {vat.state !== 'suspended' ? null : (
        <Button
          tone="quiet"
          label={`Resume ${name}`}
          disabled={disabled}
          onPress={() =>
            void bench.actions.control(key, `${name} resumes`, 'resume', {
              cluster: cluster.name,
              vat: vat.name,
            })
          }
        >
          Resume
        </Button>
      )}
      {vat.root === null ? null : (
        <Button
          tone="quiet"
          label={`Send a message to ${name}`}
          onPress={() => bench.address(name)}
        >
          Message
        </Button>
      )}
    </div>
  );
};

const Vat = (props: VatProps) => {
  const { bench, cluster, vat } = props;
  return (
    <li class="vat">
      <div class="vat-line">
        <span class="vat-name">
          {vat.name}
          {vat.name === cluster.bootstrap && cluster.vats.length > 1 ? (
            <small title="Its root got bootstrap(vats, services)">
              {' '}
              bootstrap
            </small>
          ) : null}
        </span>
        <StateMark tone={VAT_TONES[vat.state]} text={vat.state} />
      </div>
      <div class="vat-line">
        <p class="facts">
          <code title="The kernel’s name for its root object">
            {vat.root ?? 'no root yet'}
          </code>
          <span title="How many times it has started over its store">
            incarnation {vat.incarnation}
          </span>
          {vat.waiting === 0 ? null : <span>{vat.waiting} waiting</span>}
        </p>
        <VatButtons bench={bench} cluster={cluster} vat={vat} />
      </div>
      {vat.reason === undefined ? null : (
        <Notice
          tone={
            vat.state === 'failed' || vat.state === 'suspended' ? 'bad' : 'warn'
          }
        >
          {vat.reason}
        </Notice>
      )}
      <ActionProblem bench={bench} actionKey={restartKey(props)} />
    </li>
  );
};

const Cluster = ({
  bench,
  cluster,
}: {
  readonly bench: Bench;
  readonly cluster: ClusterStatus;
}) => {
  const { name } = cluster;
  const key = `cluster:${name}`;
  const isBusy = bench.actions.states.value.get(key)?.state === 'busy';
  const vats =
    cluster.vats.length === 1 ? 'its vat' : `its ${cluster.vats.length} vats`;
  const terminate = async (): Promise<void> => {
    const done = `${name} is terminated`;
    if (
      await bench.actions.control(key, done, 'terminate', { cluster: name })
    ) {
      // The card goes, and would take the focus with it.
      document
        .querySelector<HTMLElement>('[role=tab][aria-selected=true]')
        ?.focus();
    }
  };
  const mayNot = bench.connection.phase.value.at !== 'open' || isBusy;
  return (
    <li>
      <article class="card cluster" aria-labelledby={`cluster-${cluster.id}`}>
        <div class="card-head">
          <h3 id={`cluster-${cluster.id}`}>{name}</h3>
          <div class="row">
            {cluster.vats.length < 2 ? null : (
              <Button
                tone="quiet"
                label={`Restart all of ${name}`}
                disabled={mayNot || !bench.canAct.value}
                onPress={() =>
                  void bench.actions.control(
                    key,
                    `${name} restarts`,
                    'restart',
                    {
                      cluster: name,
                    },
                  )
                }
              >
                Restart all
              </Button>
            )}
            <ConfirmButton
              text="Terminate"
              label={`Terminate ${name}`}
              question={`End ${name}, ${vats} and everything they have stored?`}
              confirmText="Terminate"
              disabled={mayNot}
              onConfirm={() => void terminate()}
            />
          </div>
        </div>
        <ul class="vats">
          {cluster.vats.map(vat => (
            <Vat key={vat.id} bench={bench} cluster={cluster} vat={vat} />
          ))}
        </ul>
        <ActionProblem bench={bench} actionKey={key} />
      </article>
    </li>
  );
};

const NoClusters = ({
  bench,
  state,
}: {
  readonly bench: Bench;
  readonly state: KernelStatus['state'];
}) =>
  // A kernel that does not run can't tell what it has.
  state === 'running' ? (
    <Empty>
      <p>
        <strong>Nothing runs here yet.</strong>
      </p>
      <p>
        A vat is a program in a box of its own. Launch a sample, a file or a few
        lines of code, then send its objects messages.
      </p>
      <Button
        tone="primary"
        onPress={() => {
          bench.room.value = 'launch';
        }}
      >
        Launch something
      </Button>
    </Empty>
  ) : (
    <Empty>
      <p>Your clusters show here when the kernel runs.</p>
    </Empty>
  );

export const Vats = ({ bench }: { readonly bench: Bench }) => {
  const status = bench.connection.status.value;
  const clusters = status?.clusters ?? [];
  return (
    <>
      {clusters.length === 0 && status !== undefined ? (
        <NoClusters bench={bench} state={status.state} />
      ) : null}
      <ul class="cards">
        {clusters.map(cluster => (
          <Cluster key={cluster.id} bench={bench} cluster={cluster} />
        ))}
      </ul>
      <DangerZone bench={bench} />
    </>
  );
};
