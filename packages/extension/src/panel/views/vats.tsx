/** @jsxImportSource preact */
import type { ClusterStatus, KernelStatus } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmButton } from '../ui/confirm.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Empty, Notice } from '../ui/notice.tsx';
import { ActionProblem } from './action-problem.tsx';
import { BackupRoom } from './backups.tsx';
import { DangerZone } from './danger.tsx';
import { Ended } from './ended.tsx';
import { Grants, MissingSites } from './grants.tsx';
import { VatsOf } from './vats-of.tsx';

const Cluster = ({
  bench,
  cluster,
}: {
  readonly bench: Bench;
  readonly cluster: ClusterStatus;
}) => {
  const { name } = cluster;
  const key = `cluster:${cluster.id}`;
  const isBusy = bench.actions.states.value.get(key)?.state === 'busy';
  const vats =
    cluster.vats.length === 1
      ? 'its vat and everything it has stored'
      : `its ${cluster.vats.length} vats and everything they have stored`;
  const terminate = async (): Promise<void> => {
    const done = `${name} is terminated`;
    if (
      await bench.actions.control(key, done, 'terminate', {
        cluster: name,
        id: cluster.id,
      })
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
                      id: cluster.id,
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
              question={`End ${name}, ${vats}?`}
              confirmText="Terminate"
              disabled={mayNot}
              onConfirm={() => void terminate()}
            />
          </div>
        </div>
        {cluster.bootstrapProblem === undefined ? null : (
          <Notice tone="warn" title="Its bootstrap came to nothing">
            <div>
              <LongText text={cluster.bootstrapProblem} />
            </div>
          </Notice>
        )}
        <Grants grants={cluster.services} />
        <MissingSites bench={bench} cluster={cluster} />
        <VatsOf bench={bench} cluster={cluster} />
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
      <Ended vats={status?.ended ?? []} />
      <BackupRoom bench={bench} />
      <DangerZone bench={bench} />
    </>
  );
};
