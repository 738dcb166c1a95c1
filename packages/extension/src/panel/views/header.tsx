/** @jsxImportSource preact */
import {
  describeRoom,
  sizeInWords,
  type KernelStatus,
  type StorageRoom,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { counted } from '../ui/counted.ts';
import { Notice } from '../ui/notice.tsx';
import { ActionProblem } from './action-problem.tsx';
import { Pausing } from './pausing.tsx';
import { StateMark, type MarkTone } from '../ui/state-mark.tsx';

const KERNEL_TONES: Readonly<Record<KernelStatus['state'], MarkTone>> = {
  starting: 'busy',
  running: 'good',
  stopped: 'warn',
  failed: 'bad',
  'storage-failed': 'bad',
  'storage-in-use': 'warn',
  'critical-failed': 'bad',
  'safe-mode': 'warn',
};

const KERNEL_WORDS: Readonly<Record<KernelStatus['state'], string>> = {
  starting: 'starting',
  running: 'running',
  stopped: 'stopped',
  failed: 'failed',
  'storage-failed': 'storage failed',
  'storage-in-use': 'storage in use',
  'critical-failed': 'critical vat failed',
  'safe-mode': 'safe mode',
};

const Counts = ({ status }: { readonly status: KernelStatus }) => {
  const vats = status.clusters.reduce(
    (sum, { vats: { length } }) => sum + length,
    0,
  );
  return (
    <p class="counts">
      <span>{counted(status.clusters.length, 'cluster')}</span>
      <span>{counted(vats, 'vat')}</span>
      <span>{counted(status.sessions, 'session')}</span>
      <span title="Deliveries done since the kernel started">
        {counted(status.cranks, 'crank')}
      </span>
      {status.room ? (
        <span title={`Storage: ${describeRoom(status.room)}`}>
          {sizeInWords(status.room.used)} stored
        </span>
      ) : null}
    </p>
  );
};

/** Of a storage that has little room left. */
const RoomNotice = ({ room }: { readonly room: StorageRoom | undefined }) => {
  if (room === undefined || room.level === 'ample') {
    return null;
  }
  return (
    <Notice tone="warn" title="There is little room left">
      <p>{describeRoom(room)}.</p>
      <p>
        {room.level === 'short'
          ? 'End what you do not need, or make room on the disk.'
          : 'Nothing new is launched: end what you do not need, or make room on the disk.'}
      </p>
    </Notice>
  );
};

const ReloadButton = ({ bench }: { readonly bench: Bench }) =>
  bench.reload === undefined ? null : (
    <Button onPress={bench.reload}>Reload the extension</Button>
  );

const StartButton = ({ bench }: { readonly bench: Bench }) => {
  const isBusy = bench.actions.states.value.get('start')?.state === 'busy';
  return (
    <Button
      tone="primary"
      disabled={isBusy}
      onPress={() =>
        void bench.actions.control('start', 'The kernel starts', 'start', {})
      }
    >
      Start the kernel
    </Button>
  );
};

/** Of a kernel that rests: it is started again by a person. */
const RestingNotice = ({
  bench,
  title,
  reason,
  advice,
}: {
  readonly bench: Bench;
  readonly title: string;
  readonly reason: string;
  readonly advice: string;
}) => (
  <Notice tone="bad" title={title}>
    <p>{reason}</p>
    <p>{advice}</p>
    <div class="row">
      <StartButton bench={bench} />
      <ReloadButton bench={bench} />
    </div>
    <ActionProblem bench={bench} actionKey="start" />
  </Notice>
);

const RESTING = {
  'storage-failed': {
    title: 'The storage has failed: no vat is running',
    advice:
      'Everything up to the last save is intact, and nothing was answered that is not saved. Make room on the disk, or see to it, then start the kernel. What is stored can be saved, and a backup restored, below the vats.',
  },
  'storage-in-use': {
    title: 'Another kernel has the storage: no vat is running',
    advice:
      'Two kernels over the same files would spoil them, so this one rests. Close the other one, then start the kernel.',
  },
  'critical-failed': {
    title: 'A critical vat has failed: no vat is running',
    advice:
      'Nothing has ended: the vat is suspended, with its store and what waits for it. Start the kernel, then see to the vat: resume, upgrade or terminate it.',
  },
  'safe-mode': {
    title: 'Safe mode: no vat is running',
    advice:
      'The kernel failed several times in a row, so it rests. Everything up to its last save is intact.',
  },
} as const;

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
    case 'storage-failed':
    case 'storage-in-use':
    case 'critical-failed':
    case 'safe-mode':
      return (
        <RestingNotice
          bench={bench}
          reason={reason}
          {...RESTING[status.state]}
        />
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
  if (status.state === 'running' && status.isPaused) {
    return <StateMark tone="calm" text="paused" />;
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
      {status?.state === 'running' ? (
        <div class="row spread">
          <Counts status={status} />
          <Pausing bench={bench} status={status} />
        </div>
      ) : null}
      {status?.state === 'running' ? <RoomNotice room={status.room} /> : null}
      <ConnectionNotice bench={bench} />
      {status === undefined ||
      bench.connection.phase.value.at === 'lost' ? null : (
        <KernelNotice status={status} bench={bench} />
      )}
    </header>
  );
};
