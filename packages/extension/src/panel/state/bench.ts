import {
  computed,
  signal,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { Kref } from '@cooperage/protocol';
import { makeActions, type Actions } from './actions.ts';
import { makeConnection, type Connection, type Later } from './connection.ts';
import {
  makeLaunching,
  type Launching,
  type LaunchPorts,
} from './launching.ts';
import type { OpenLink } from './link.ts';
import { makeLogs, type Logs } from './logs.ts';
import {
  makeResultsKit,
  targetsInResults,
  type MessageDraft,
  type ResultsKit,
} from './results.ts';
import { makeSessionKit } from './session.ts';
import { targetsOf, type Target } from './targets.ts';

export type Room = 'vats' | 'message' | 'launch' | 'logs' | 'home';

/** What the panel needs of the page around it. */
export type BenchPorts = LaunchPorts & {
  readonly open: OpenLink;
  readonly later: Later;
  readonly now: () => number;
  /** Reloads the extension, where there is one: the way out of a failed kernel. */
  readonly reload?: () => void;
};

/** Everything that the views show and do. */
export type Bench = {
  readonly connection: Connection;
  readonly canAct: ReadonlySignal<boolean>;
  readonly actions: Actions;
  readonly logs: Logs;
  readonly launching: Launching;
  readonly results: ResultsKit;
  readonly targets: ReadonlySignal<readonly Target[]>;
  readonly room: Signal<Room>;
  /** The message being written. */
  readonly draft: Signal<MessageDraft>;
  readonly reload: (() => void) | undefined;
  /** Goes to the message form with this target. */
  readonly address: (name: string) => void;
  /** Keeps an object under a name in home. Gives whether it succeeded. */
  readonly keep: (kref: Kref, name: string) => Promise<boolean>;
};

/** Wires the panel's state together. Owns the connection until `connection.stop()`. */
export const makeBench = (ports: BenchPorts): Bench => {
  const logs = makeLogs();
  const connection: Connection = makeConnection(ports.open, ports.later, {
    deliver: params => kit.deliver(params),
    sessionEnded: ({ reason }) => kit.end(reason),
    log: ({ entries }) => logs.add(entries),
    lost: reason => kit.end(`the answer was lost: ${reason}`),
  });
  const kit = makeSessionKit(connection);
  const { status, phase } = connection;
  const results = makeResultsKit(kit.session, status, ports.now);
  const actions = makeActions(connection);
  const room = signal<Room>('vats');
  const draft = signal<MessageDraft>({ target: '', method: '', argsText: '' });

  return Object.freeze({
    connection,
    canAct: computed(
      () => phase.value.at === 'open' && status.value?.state === 'running',
    ),
    actions,
    logs,
    launching: makeLaunching(connection, ports),
    results,
    targets: computed(() => [
      ...targetsOf(status.value),
      ...targetsInResults(results.results.value),
    ]),
    room,
    draft,
    reload: ports.reload,
    address: (name: string) => {
      draft.value = { ...draft.value, target: name };
      room.value = 'message';
    },
    keep: (kref: Kref, name: string) =>
      actions.run(`keep:${kref}`, `${kref} is kept as ${name}`, async () => {
        const { vref } = await kit.session.reference({ kref });
        await connection.call('keep', { name, vref });
      }),
  } satisfies Bench);
};
