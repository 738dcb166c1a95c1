/** @jsxImportSource preact */
import type { KernelStatus, LaunchStatus } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Notice } from '../ui/notice.tsx';

const SIGNS = { running: '◌', done: '✓', failed: '✕' } as const;
const WORDS = {
  running: 'is being launched',
  done: 'was launched',
  failed: 'could not be launched',
} as const;
const SHOWN = 3;

/** With more steps those that are done are counted. */
const MOST_STEPS = 12;

const StepList = ({ launch: { steps } }: { readonly launch: LaunchStatus }) => {
  const isLong = steps.length > MOST_STEPS;
  const shown = isLong ? steps.filter(({ state }) => state !== 'done') : steps;
  return (
    <ol class="steps">
      {isLong ? (
        <li class="done">
          <span aria-hidden="true">{SIGNS.done}</span>{' '}
          {steps.length - shown.length} of {steps.length} steps are done
        </li>
      ) : null}
      {shown.map(({ text, state }) => (
        <li key={text} class={state}>
          <span aria-hidden="true">{SIGNS[state]}</span> {text}
          <span class="only-said">, {state}</span>
        </li>
      ))}
    </ol>
  );
};

const Why = ({
  launch: { error, state },
  isNewest,
}: {
  readonly launch: LaunchStatus;
  readonly isNewest: boolean;
}) =>
  error === undefined ? null : (
    <Notice tone="bad" isAnswer={isNewest}>
      <div>
        <LongText text={error} />
      </div>
      {isNewest ? (
        <p>
          {state === 'failed'
            ? 'Nothing of it is left behind.'
            : 'Its vats run all the same.'}
        </p>
      ) : null}
    </Notice>
  );

/** The root that a cluster's user speaks to, as it is typed; none once the cluster is gone. */
const rootOf = (
  name: string,
  status: KernelStatus | undefined,
): string | undefined => {
  const cluster = status?.clusters.find(each => each.name === name);
  const vat = cluster?.vats.find(each => each.name === cluster.bootstrap);
  return vat && `${name}.${vat.name}`;
};

const Progress = ({
  bench,
  launch,
  isNewest,
}: {
  readonly bench: Bench;
  readonly launch: LaunchStatus;
  readonly isNewest: boolean;
}) => {
  const { name, state } = launch;
  const root =
    state === 'done' ? rootOf(name, bench.connection.status.value) : undefined;
  return (
    <li class={`card launch ${state}`} data-state={state}>
      <div class="card-head">
        <h3>
          {name} <small>{WORDS[state]}</small>
        </h3>
        {root === undefined ? null : (
          <Button
            tone="quiet"
            label={`Send a message to ${root}`}
            onPress={() => bench.address(root)}
          >
            Message
          </Button>
        )}
      </div>
      {isNewest || state === 'running' ? (
        <>
          <StepList launch={launch} />
          <Why launch={launch} isNewest={isNewest} />
        </>
      ) : (
        <details>
          <summary>
            {launch.steps.length} {launch.steps.length === 1 ? 'step' : 'steps'}
          </summary>
          <StepList launch={launch} />
          <Why launch={launch} isNewest={false} />
        </details>
      )}
    </li>
  );
};

/** The launches under way, the newest, and those that failed not long ago, newest first; what was launched before is among the vats. */
export const shownOf = (
  launches: readonly LaunchStatus[],
): readonly LaunchStatus[] =>
  launches
    .toReversed()
    .filter(
      ({ state }, index) =>
        index === 0 ||
        state === 'running' ||
        (state === 'failed' && index < SHOWN),
    );

export const Launches = ({
  bench,
  launches,
}: {
  readonly bench: Bench;
  readonly launches: readonly LaunchStatus[];
}) => (
  <ul class="cards" aria-label="Launches">
    {shownOf(launches).map((launch, index) => (
      <Progress
        key={launch.id}
        bench={bench}
        launch={launch}
        isNewest={index === 0}
      />
    ))}
  </ul>
);
