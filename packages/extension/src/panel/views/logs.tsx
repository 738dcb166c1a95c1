/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import type { KernelStatus, LogLevel } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { lanesOf, type LogLane } from '../state/logs.ts';
import { Button } from '../ui/button.tsx';
import { Empty } from '../ui/notice.tsx';

const LEVELS: readonly (readonly [LogLevel, string])[] = [
  ['debug', 'everything'],
  ['info', 'without debug'],
  ['warn', 'warnings and errors'],
  ['error', 'errors'],
];
const SHOWN = 100;

const counted = (count: number, one: string): string =>
  `${count} ${one}${count === 1 ? '' : 's'}`;

/** The vat as a person names it, as long as it is there. */
const titleOf = (
  { key, label }: LogLane,
  status: KernelStatus | undefined,
): string => {
  for (const { name, vats } of status?.clusters ?? []) {
    const vat = vats.find(({ id }) => id === key);
    if (vat) {
      return `${name}.${vat.name}`;
    }
  }
  return label;
};

const Lane = ({
  lane,
  title,
}: {
  readonly lane: LogLane;
  readonly title: string;
}) => (
  <details class="lane card" open>
    <summary>
      <strong>{title}</strong>{' '}
      {lane.key === lane.label ? null : <code>{lane.key}</code>}
      <span class="lane-counts">
        {lane.errors === 0 ? null : (
          <span class="bad">{counted(lane.errors, 'error')}</span>
        )}
        {lane.warnings === 0 ? null : (
          <span class="warn">{counted(lane.warnings, 'warning')}</span>
        )}
        <span>{counted(lane.entries.length, 'line')}</span>
      </span>
    </summary>
    <div class="lines" tabIndex={0} role="log" aria-label={`Log of ${title}`}>
      <ol>
        {lane.entries.slice(-SHOWN).map(({ number, at, level, text }) => (
          <li key={number} class={level}>
            <time dateTime={new Date(at).toISOString()}>
              {new Date(at).toLocaleTimeString('en-GB')}
            </time>{' '}
            <span class="level">{level}</span> {text}
          </li>
        ))}
      </ol>
    </div>
  </details>
);

export const Logs = ({ bench }: { readonly bench: Bench }) => {
  const level = useSignal<LogLevel>('info');
  const entries = bench.logs.entries.value;
  const lanes = lanesOf(entries, level.value);
  return (
    <>
      <div class="row spread">
        <label class="inline">
          Show{' '}
          <select
            value={level.value}
            onChange={event => {
              const chosen = event.currentTarget.value;
              level.value =
                LEVELS.find(([name]) => name === chosen)?.[0] ?? 'info';
            }}
          >
            {LEVELS.map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <Button tone="quiet" onPress={bench.logs.clear}>
          Clear
        </Button>
      </div>
      {lanes.length === 0 ? (
        <Empty>
          <p>
            {entries.length === 0
              ? 'What vats write to their console shows here.'
              : 'No line is that grave. Choose “everything” above to see all.'}
          </p>
        </Empty>
      ) : (
        <>
          <p class="hint">
            Lines show at once, before what they tell of is stored.
          </p>
          {lanes.map(lane => (
            <Lane
              key={lane.key}
              lane={lane}
              title={titleOf(lane, bench.connection.status.value)}
            />
          ))}
        </>
      )}
    </>
  );
};
