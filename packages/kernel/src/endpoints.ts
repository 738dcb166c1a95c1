import harden from '@endo/harden';
import {
  DEFAULT_VAT_LIMITS,
  isSessionId,
  isVatId,
  type EndpointId,
  type LogLevel,
  type TraceEvent,
  type VatId,
} from '@cooperage/protocol';
import { CriticalLoss } from './faults.ts';
import { boundsOf } from './bounds.ts';
import type { Bundles } from './bundles.ts';
import { makeClearance } from './clearance.ts';
import type { CrankParts } from './crank.ts';
import type { Chores } from './gc/chores.ts';
import { makeCollector } from './gc/collector.ts';
import { makeGates, type Gates } from './gates.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { Lives } from './lives.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { Platform } from './ports.ts';
import { makeScheduler, type Dispatcher, type Scheduler } from './scheduler.ts';
import type { Services } from './services/services.ts';
import { joinServices } from './services/join.ts';
import type { UsualTerms } from './services/vat-admin-terms.ts';
import { makeSessions, type Sessions } from './sessions.ts';
import type { VatRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';
import type { Upgrades } from './upgrades.ts';
import type { StoreKeeper } from './vat-stores.ts';
import { makeCandidates } from './vats/candidates.ts';
import { makeEvictions } from './vats/evictions.ts';
import { makePace, type Pace } from './vats/pace.ts';
import { makeRunner, type Runner } from './vats/runner.ts';
import { makeTellStart, type TellStart } from './vats/start.ts';
import type { StoreBounds } from './vats/store-bounds.ts';
import type { Trials } from './vats/trials.ts';
import { makeWorkers } from './vats/workers.ts';

/** What another room does, made later than the one that calls it. */
export type Calls = {
  readonly onArrival: (endpoint: EndpointId) => void;
  readonly onExit: (vat: VatId, reason: string) => void;
  /** Nothing is left of a vat or session that has ended; within the crank. */
  readonly onGone: () => void;
  /** The vat's file can't be used. */
  readonly onDamaged: (vat: VatId, problem: string) => void;
  /** Something of the endpoint's was refused, and it is not told; within the crank. */
  readonly onRefused: (endpoint: EndpointId, problem: string) => void;
  readonly upgrade: Upgrades['upgrade'];
  /** The deliveries in flight, each the same thing as long as it is. */
  readonly inFlight: () => Iterable<object>;
  readonly stir: () => void;
  /** Something was committed. */
  readonly onCommit: () => void;
  readonly pump: () => void;
  readonly say: (vat: VatId, level: LogLevel, text: string) => void;
  /** The same of what the vat says itself, or makes the kernel say: so many lines a second. */
  readonly hear: (vat: VatId, level: LogLevel, text: string) => void;
  readonly trace: (makeEvent: () => TraceEvent) => void;
  /** A line of log that is no vat's own. */
  readonly write: (label: string, level: LogLevel, text: string) => void;
};

type Tables = {
  readonly state: State;
  readonly phase: Phase;
  readonly parts: CrankParts;
  readonly outputs: Outputs;
  readonly keeper: StoreKeeper;
  readonly lives: Lives;
  readonly bundles: Bundles;
  readonly bounds: StoreBounds;
  readonly trials: Trials;
};

/** The kernel's measure of a delivery. */
const deliveryMillisecondsOf = ({
  deliveryMilliseconds = 5_000,
}: KernelOptions): number => deliveryMilliseconds;

const joinWorkers = (
  { vats, clock }: Platform,
  options: KernelOptions,
  phase: Phase,
  { hear, trace }: Pick<Calls, 'hear' | 'trace'>,
) =>
  makeWorkers({
    launcher: vats,
    clock,
    limits: options.limits ?? DEFAULT_VAT_LIMITS,
    bootMilliseconds: options.bootMilliseconds ?? 20_000,
    deliveryMilliseconds: deliveryMillisecondsOf(options),
    phase,
    onLog: hear,
    onTrace: trace,
  });

/** Who delivers what to whom. */
const joinDispatcher = ({
  runner,
  gates,
  sessions,
  services,
  chores,
}: {
  runner: Runner;
  gates: Gates;
  sessions: Sessions;
  services: Services;
  chores: Chores;
}): Dispatcher => ({
  ...runner,
  ...gates,
  toSession: sessions.deliverHead,
  isReading: sessions.isReading,
  toService: services.deliverHead,
  hasTimeForServices: services.isFree,
  withChores: chores.due,
  toChore: endpoint => {
    if (isVatId(endpoint)) {
      runner.toChore(endpoint);
    } else if (isSessionId(endpoint)) {
      sessions.deliverChore(endpoint);
    }
  },
});

const joinScheduler = (
  { clock }: Platform,
  options: KernelOptions,
  {
    parts,
    ...receivers
  }: Parameters<typeof joinDispatcher>[0] & Pick<Tables, 'parts'>,
) => {
  const most = options.parallel ?? 2;
  return makeScheduler({
    inbox: parts.inbox,
    dispatcher: joinDispatcher(receivers),
    most,
    turn: {
      deliveries: most === 1 ? 1 : (options.turnDeliveries ?? 16),
      milliseconds: options.turnMilliseconds ?? 8,
    },
    now: () => clock.now(),
  });
};

/** What a worker is told at its start, and what those may have that vats make. */
const makeTerms = (
  options: KernelOptions,
): { tellStart: TellStart; usual: UsualTerms } => ({
  tellStart: makeTellStart(options),
  usual: {
    deadline: deliveryMillisecondsOf(options),
    bounds: boundsOf(options).usual,
  },
});

/** What the makers of vats can do to them. */
const makeOrders = (
  runner: () => Runner,
  { upgrade }: Pick<Calls, 'upgrade'>,
): Parameters<typeof joinServices>[1]['orders'] => ({
  adopt: candidate => runner().adopt(candidate),
  end: (vat, reason) => runner().terminate([vat], reason),
  suspend: (vat, reason) => runner().suspend(vat, reason, 'maker'),
  pause: vat => runner().pause(vat, 'maker'),
  unpause: vat => runner().unpause(vat),
  resume: vat => runner().resume(vat),
  upgrade,
});

const joinCollector = (
  { clock }: Platform,
  options: KernelOptions,
  {
    state,
    parts,
    later,
    ...powers
  }: Pick<Tables, 'state' | 'parts' | 'phase'> &
    Pick<Calls, 'pump'> & {
      isQuiet: () => boolean;
      sweep: () => boolean;
      /** Those that are made later. */
      later: () => { readonly runner: Runner; readonly scheduler: Scheduler };
    },
) =>
  makeCollector(state, parts, {
    ...powers,
    options,
    clock,
    isAwake: vat =>
      !later().scheduler.isPaused() && later().runner.isAwake(vat),
    wake: vat => {
      if (later().runner.isAsleep(vat)) {
        later().scheduler.wakeEagerly(vat);
      }
    },
    isPaused: () => later().scheduler.isPaused(),
  });

/** Stops the kernel for a critical vat that was suspended. */
const makeStop =
  (state: State, outputs: Outputs) =>
  ({ cluster, name }: VatRow, reason: string): never => {
    outputs.commitIfNeeded(); // the next run finds the vat suspended, and goes on
    const owner = state.clusters.get(cluster)?.name;
    throw new CriticalLoss(
      `critical vat ${owner}.${name} has failed: ${reason}`,
    );
  };

/** Those who start vats whose start is held, and the gates that their starts and all deliveries pass. */
const joinCandidates = (
  state: State,
  powers: Omit<Parameters<typeof makeGates>[1], 'candidates'> &
    Omit<Parameters<typeof makeCandidates>[1], 'mayBegin' | 'blame'>,
) => {
  const candidates = makeCandidates(state, {
    ...powers,
    mayBegin: vat => gates.mayBegin(vat),
    blame: powers.runner.blame,
  });
  const gates = makeGates(state, { ...powers, candidates });
  return { candidates, gates };
};

/** How quick vats are, and trials whose news of deliveries it follows from. */
const joinPace = (
  { clock }: Platform,
  { quickMilliseconds = 8 }: KernelOptions,
  { trials }: Pick<Tables, 'trials'>,
): { pace: Pace; trials: Trials } => {
  const pace = makePace({ now: () => clock.now(), quickMilliseconds });
  return {
    pace,
    trials: {
      ...trials,
      begin: vat => {
        trials.begin(vat);
        pace.begin(vat);
      },
      end: (vat, isTaken) => {
        trials.end(vat, isTaken);
        pace.end(vat);
      },
    },
  };
};

/** Those to whom things are delivered, and whose turn it is. */
export const joinEndpoints = (
  platform: Platform,
  options: KernelOptions,
  tables: Tables,
  calls: Calls,
) => {
  const { state, phase, parts } = tables;
  const { pump, say } = calls;
  const { limits = DEFAULT_VAT_LIMITS } = options;
  const workers = joinWorkers(platform, options, phase, calls);
  const isQuiet = (): boolean =>
    runner.inFlight() === 0 &&
    !workers.isStarting() &&
    !candidates.line.isAtWork() &&
    services.isFree() &&
    clearance.isDone();
  const room = { ...tables, limits, pump, ...makeTerms(options) };
  const clearance = makeClearance(state, { ...room, ...platform });
  const services = joinServices(state, {
    ...room,
    ...calls,
    platform,
    candidates: () => candidates,
    orders: makeOrders(() => runner, calls),
  });
  const collector = joinCollector(platform, options, {
    ...tables,
    isQuiet,
    sweep: services.sweep,
    pump,
    later: () => ({ runner, scheduler }),
  });
  const { chores } = collector;
  const paced = joinPace(platform, options, tables);
  const common = { ...room, ...paced, chores, workers };
  const forget = (endpoint: EndpointId): void => {
    scheduler.forget(endpoint);
    chores.forget(endpoint);
    paced.pace.forget(endpoint);
  };
  const sessions = makeSessions(state, { ...common, options, onEnded: forget });
  const runner = makeRunner(state, {
    ...common,
    wake: vat => scheduler.wakeEagerly(vat),
    onEnded: vat => {
      forget(vat);
      evictions.forget(vat);
      clearance.leave(vat);
    },
    onCriticalLoss: makeStop(state, tables.outputs),
    onIdle: vat => evictions.note(vat),
    say,
  });
  const powers = { ...common, ...platform, ...parts, options };
  const evictions = makeEvictions(state, {
    ...{ ...powers, ...runner, living: workers.count },
    reapFirst: collector.reapBeforeSleep,
  });
  const { candidates, gates } = joinCandidates(state, { ...powers, runner });
  const receivers = { runner, sessions, services, gates };
  const everybody = { parts, chores, ...receivers };
  const scheduler = joinScheduler(platform, options, everybody);
  return {
    limits,
    isQuiet,
    clearance,
    collector,
    candidates,
    scheduler,
    memory: () => ({
      ...scheduler.memory(),
      idle: evictions.memory(),
      garbage: collector.memory(),
    }),
    ...receivers,
  };
};
harden(joinEndpoints);
