/** @jsxImportSource preact */
import type { KernelStatus } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { StateMark, type MarkTone } from '../ui/state-mark.tsx';

const KERNEL_TONES: Readonly<Record<KernelStatus['state'], MarkTone>> = {
  starting: 'busy',
  running: 'good',
  stopped: 'warn',
  failed: 'bad',
  'safe-mode': 'warn',
};

const KERNEL_WORDS: Readonly<Record<KernelStatus['state'], string>> = {
  starting: 'starting',
  running: 'running',
  stopped: 'stopped',
  failed: 'failed',
  'safe-mode': 'safe mode',
};

const count = (number: number, one: string): string =>
  `${number.toLocaleString('en-US')} ${one}${number === 1 ? '' : 's'}`;

const Counts = ({ status }: { readonly status: KernelStatus }) => {
  const vats = status.clusters.reduce(
    (sum, { vats: { length } }) => sum + length,
    0,
  );
  return (
    <p class="counts">
      <span>{count(status.clusters.length, 'cluster')}</span>
      <span>{count(vats, 'vat')}</span>
      <span>{count(status.sessions, 'session')}</span>
      <span title="Deliveries done since the kernel started">
        {count(status.cranks, 'crank')}
      </span>
    </p>
  );
};

const ReloadButton = ({ bench }: { readonly bench: Bench }) =>
  bench.reload === undefined ? null : (
    <Button onPress={bench.reload}>Reload the extension</Button>
  );

const KernelNotice = ({
  status,
  bench,
}: {
  readonly status: KernelStatus;
  readonly bench: Bench;
}) => {
  const reason = status.reason ?? 'no reason was given';
  switch (status.state) {
    case 'running':
    case 'starting':
      return null;
    case 'stopped':
      return (
        <Notice tone="warn" title="The kernel is stopped">
          <p>{reason}</p>
          <p>
            Nothing runs. What was saved is kept; it starts again with the
            extension.
          </p>
          <ReloadButton bench={bench} />
        </Notice>
      );
    case 'failed':
      return (
        <Notice tone="bad" title="The kernel has stopped itself">
          <p>{reason}</p>
          <p>
            Everything up to its last save is intact. Reload the extension to
            start it again; if that keeps failing, note the reason above before
            you erase anything.
          </p>
          <ReloadButton bench={bench} />
        </Notice>
      );
    case 'safe-mode':
      return (
        <Notice tone="warn" title="Safe mode: no vat is running">
          <p>{reason}</p>
          <p>
            The kernel failed several times in a row, so it rests. Everything up
            to its last save is intact; it starts again with the extension.
          </p>
          <ReloadButton bench={bench} />
        </Notice>
      );
  }
};

const ConnectionNotice = ({ bench }: { readonly bench: Bench }) => {
  const phase = bench.connection.phase.value;
  if (phase.at !== 'lost') {
    return null;
  }
  return (
    <Notice tone="warn" title="The kernel can’t be reached">
      <p>{phase.reason}</p>
      <p>
        It is tried again by itself.
        {bench.connection.status.value === undefined
          ? null
          : ' What you see below is as it was last told.'}
      </p>
      <div class="row">
        <Button onPress={bench.connection.retryNow}>Try now</Button>
        <ReloadButton bench={bench} />
      </div>
    </Notice>
  );
};

const StateOfAll = ({ bench }: { readonly bench: Bench }) => {
  const phase = bench.connection.phase.value;
  const status = bench.connection.status.value;
  if (phase.at === 'lost') {
    return <StateMark tone="warn" text="unreachable" />;
  }
  if (phase.at === 'connecting' || status === undefined) {
    return <StateMark tone="busy" text="connecting" />;
  }
  return (
    <StateMark
      tone={KERNEL_TONES[status.state]}
      text={KERNEL_WORDS[status.state]}
    />
  );
};

/** A barrel's head: staves within a hoop. */
const Barrel = () => (
  <svg class="barrel" viewBox="0 0 24 24" aria-hidden="true">
    <path d="M7 3h10c2 3 3 6 3 9s-1 6-3 9H7c-2-3-3-6-3-9s1-6 3-9z" />
    <path d="M5 8h14M5 16h14M12 3v18" />
  </svg>
);

export const Header = ({ bench }: { readonly bench: Bench }) => {
  const status = bench.connection.status.value;
  return (
    <header class="header">
      <div class="title">
        <Barrel />
        <h1>Cooperage</h1>
        <span role="status">
          <StateOfAll bench={bench} />
        </span>
      </div>
      {status?.state === 'running' ? <Counts status={status} /> : null}
      <ConnectionNotice bench={bench} />
      {status === undefined ||
      bench.connection.phase.value.at === 'lost' ? null : (
        <KernelNotice status={status} bench={bench} />
      )}
    </header>
  );
};
