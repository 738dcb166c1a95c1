import {
  batch,
  computed,
  signal,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { Kref, VatId } from '@cooperage/protocol';
import { makeActions, type Actions } from './actions.ts';
import { makeConnection, type Connection, type Later } from './connection.ts';
import {
  makeLaunching,
  type Launching,
  type LaunchPorts,
} from './launching.ts';
import { makeInspecting, type Inspecting } from './inspecting.ts';
import { makeBackups, type BackupPorts, type Backups } from './backups.ts';
import type { OpenLink } from './link.ts';
import { makeLogs, type Logs } from './logs.ts';
import {
  makeResultsKit,
  targetsInResults,
  type MessageDraft,
  type ResultsKit,
} from './results.ts';
import { ANONYMOUS } from './describe.ts';
import { EXAMPLE_SOURCE } from './example.ts';
import {
  keepInMemory,
  noMemory,
  recallDrafts,
  recallResults,
  type Memory,
} from './memory.ts';
import { makeSessionKit } from './session.ts';
import { everySite, makeSites, type SitePorts, type Sites } from './sites.ts';
import { makeUpgrading, type Upgrading } from './upgrading.ts';
import { targetsOf, type Target } from './targets.ts';

export type Room = 'vats' | 'message' | 'launch' | 'logs' | 'home' | 'inspect';

/** What the panel needs of the page around it. */
export type BenchPorts = LaunchPorts & {
  readonly open: OpenLink;
  readonly later: Later;
  readonly now: () => number;
  readonly memory?: Memory;
  readonly sites?: SitePorts;
  /** Absent where page and kernel share no files. */
  readonly backups?: BackupPorts;
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
  readonly sites: Sites;
  readonly upgrading: Upgrading;
  readonly backups: Backups | undefined;
  readonly results: ResultsKit;
  readonly targets: ReadonlySignal<readonly Target[]>;
  readonly room: Signal<Room>;
  /** Vats below whose lines is what can be done to them. */
  readonly managed: Signal<ReadonlySet<VatId>>;
  /** The message being written. */
  readonly draft: Signal<MessageDraft>;
  /** The module being written. */
  readonly source: Signal<string>;
  readonly reload: (() => void) | undefined;
  /** What to call an object: as it alleges, or by the name that a person has for it. */
  readonly titleOf: (kref: Kref | undefined, iface: string) => string;
  /** The form has just been given a target, and has not taken the focus yet. */
  readonly addressed: Signal<boolean>;
  /** Goes to the message form with this target. */
  readonly address: (name: string) => void;
  readonly inspecting: Inspecting;
  /** Goes to what the kernel knows of an object, promise, vat or session. */
  readonly inspect: (subject: string) => void;
  /** Keeps an object under a name in home. Gives whether it succeeded. */
  readonly keep: (kref: Kref, name: string) => Promise<boolean>;
};

/** Wires the panel's state together. Owns the connection until `connection.stop()`. */
export const makeBench = (ports: BenchPorts): Bench => {
  const memory = ports.memory ?? noMemory;
  const logs = makeLogs();
  const connection: Connection = makeConnection(ports.open, ports.later, {
    deliver: params => kit.deliver(params),
    sessionEnded: ({ reason }) => kit.end(reason),
    log: ({ entries }) => logs.add(entries),
    lost: reason => kit.end(`the answer was lost: ${reason}`),
  });
  const kit = makeSessionKit(connection);
  const { status, phase } = connection;
  const results = makeResultsKit(
    kit.session,
    status,
    ports.now,
    recallResults(memory),
  );
  const canAct = computed(
    () => phase.value.at === 'open' && status.value?.state === 'running',
  );
  const actions = makeActions(connection);
  const inspecting = makeInspecting(connection, {
    actions,
    memory,
    now: ports.now,
  });
  const sites = makeSites(status, ports.sites ?? everySite);
  const launching = makeLaunching(connection, ports, { sites, memory });
  const room = signal<Room>(launching.draft.value ? 'launch' : 'vats');
  const draft = signal<MessageDraft>({ target: '', method: '', argsText: '' });
  const source = signal(EXAMPLE_SOURCE);
  const addressed = signal(false);
  recallDrafts(memory, { message: draft, source });
  keepInMemory(memory, results.results, { message: draft, source });
  const targets = computed(() => [
    ...targetsOf(status.value),
    ...targetsInResults(results.results.value),
  ]);

  return Object.freeze({
    connection,
    canAct,
    actions,
    logs,
    launching,
    sites,
    upgrading: makeUpgrading(connection, actions, { ...ports, canAct }),
    backups: ports.backups && makeBackups(connection, actions, ports.backups),
    results,
    targets,
    titleOf: (kref: Kref | undefined, iface: string) => {
      if (iface !== ANONYMOUS) {
        return iface;
      }
      const known = targets.value.filter(target => target.kref === kref);
      const alleged = known.find(
        ({ group, detail }) => group === 'results' && detail !== ANONYMOUS,
      );
      const named = known.find(({ group }) => group !== 'results');
      return alleged?.detail ?? named?.name ?? 'object';
    },
    room,
    managed: signal<ReadonlySet<VatId>>(new Set()),
    draft,
    source,
    reload: ports.reload,
    addressed,
    address: (name: string) => {
      batch(() => {
        // Another object has other methods.
        draft.value =
          name === draft.value.target
            ? draft.value
            : { target: name, method: '', argsText: '' };
        room.value = 'message';
        addressed.value = true;
      });
    },
    inspecting,
    inspect: (subject: string) => {
      batch(() => {
        room.value = 'inspect';
        inspecting.arrived.value = true;
      });
      void inspecting.lookAt(subject);
    },
    keep: (kref: Kref, name: string) =>
      actions.run(`keep:${kref}`, `${kref} is kept as ${name}`, async () => {
        const { vref } = await kit.session.reference({ kref });
        await connection.call('keep', { name, vref });
      }),
  } satisfies Bench);
};
