import harden from '@endo/harden';
import {
  PROTOCOL_VERSION,
  limitsOfStart,
  narrowLimits,
  openRows,
  type FromVat,
  type Outcome,
  type ToVat,
} from '@cooperage/protocol';
import type { DuplexStream } from '@cooperage/streams';
import type { CollectGarbage } from './collect-garbage.ts';
import { makeEndowments } from './endowments/endowments.ts';
import { describeThrown } from './format-value.ts';
import { makeGcTools } from './gc-tools.ts';
import { makeLiveSlots, type LiveSlots } from './liveslots.ts';
import { watchSends } from './install-sends.ts';
import { BundleError, loadBundle } from './load-bundle.ts';
import { makeSyscallBuffer } from './syscall-buffer.ts';
import {
  makeLiveSlotsConsole,
  makeLogConsole,
  makeVatLog,
  type VatLog,
} from './vat-log.ts';
import { makeVatStore } from './vat-store.ts';

type Start = Extract<ToVat, { type: 'start' }>;
type Deliver = Extract<ToVat, { type: 'deliver' }>;
type SyscallBuffer = ReturnType<typeof makeSyscallBuffer>;
type GcTools = ReturnType<typeof makeGcTools>;

/** What a worker gives its supervisor. */
export type SupervisorPowers = {
  /** The vat's channel to the kernel; the supervisor is its one receiver. */
  readonly stream: DuplexStream<ToVat, FromVat>;
  readonly collectGarbage: CollectGarbage;
  /** Has a function called with the reason of each rejection that nobody handles. */
  readonly onUnhandledRejection: (report: (reason: unknown) => void) => void;
  /** Names of dangerous globals that the platform would not let go. */
  readonly survivingGlobals: readonly string[];
};

/** A vat whose code is loaded. */
type Vat = {
  readonly buffer: SyscallBuffer;
  readonly liveSlots: LiveSlots;
  readonly log: VatLog;
  readonly rejections: Rejections;
  readonly gc: GcTools;
  /** Whether the engine has left the last reap in doubt. Asked once a crank: that clears it. */
  readonly wasUnsure: () => boolean;
};

/**
 * Rejections that nobody handled, kept to the end of the crank: what made the
 * crank itself fail is told as its outcome, and not twice.
 */
const makeRejections = (report: (reason: unknown) => void) => {
  let waiting: Set<unknown> | undefined;
  let failure: unknown;
  const tell = (reason: unknown): void => {
    if (failure === undefined || reason !== failure) {
      report(reason);
    }
  };
  return Object.freeze({
    note: (reason: unknown): void => {
      if (waiting === undefined) {
        tell(reason);
      } else {
        waiting.add(reason);
      }
    },
    beginCrank: (): void => {
      waiting = new Set();
    },
    endCrank: (thrown: unknown): void => {
      failure = thrown;
      waiting?.forEach(tell);
      waiting = undefined;
    },
  });
};
type Rejections = ReturnType<typeof makeRejections>;

const loadVat = (
  start: Start,
  powers: SupervisorPowers,
  onBreach: (problem: string) => void,
): Vat => {
  const log = makeVatLog({
    limits: narrowLimits(start.limits, start.narrowed),
    level: start.logLevel,
    send: message => powers.stream.send(message),
  });
  const endowments = makeEndowments(start.endowments, makeLogConsole(log));
  const buildVatNamespace = loadBundle(start.bundle, endowments);
  const image = openRows(start.store);
  const buffer = makeSyscallBuffer({
    limits: start.limits,
    narrowed: start.narrowed,
    limitsOfStart: limitsOfStart(start.limits),
    makeStore: note => makeVatStore(image, note),
    onBreach,
    onLate: name =>
      log.write('error', [
        `${start.label}: syscall ${name} outside a delivery was refused`,
      ]),
  });
  watchSends(buffer.noteSend);
  let isUnsure = false;
  const gc = makeGcTools({
    collectGarbage: powers.collectGarbage,
    onCollected: isSure => {
      isUnsure = !isSure;
    },
  });
  const liveSlots = makeLiveSlots({
    syscall: buffer.syscall,
    vatId: start.vatId,
    gcTools: gc.tools,
    console: makeLiveSlotsConsole(log),
    buildVatNamespace,
  });
  const rejections = makeRejections(reason =>
    log.write('warn', [`${start.label}: unhandled rejection:`, reason]),
  );
  powers.onUnhandledRejection(rejections.note);
  if (powers.survivingGlobals.length > 0) {
    log.write('error', [
      `the worker could not remove ${powers.survivingGlobals.join(', ')}`,
    ]);
  }
  const wasUnsure = (): boolean => {
    const was = isUnsure;
    isUnsure = false;
    return was;
  };
  return { buffer, liveSlots, log, rejections, gc, wasUnsure };
};

/** What liveslots rejects with when startVat has not ended though nothing is left to run. */
const UNRESOLVED = 'buildRootObject unresolved';

const describeFailure = (thrown: unknown): string =>
  thrown === UNRESOLVED
    ? `${UNRESOLVED}: it awaits something that only a later delivery could bring`
    : describeThrown(thrown);

type Done = Extract<FromVat, { type: 'done' }>;

const describeEnd = (
  { buffer, gc, wasUnsure }: Vat,
  { isToLetGo, isLate }: { isToLetGo: boolean; isLate: boolean },
): Pick<Done, 'isUnsure' | 'hasMore'> => ({
  ...(wasUnsure() && { isUnsure: true }),
  ...(isToLetGo &&
    (isLate || gc.hasMore() || buffer.hasMore()) && { hasMore: true }),
});

const runCrank = async (
  vat: Vat,
  { crank, delivery, held }: Deliver,
): Promise<Done> => {
  const { buffer, liveSlots, log, rejections, gc } = vat;
  const isReap = delivery[0] === 'bringOutYourDead';
  /** What earlier reaps found comes before what another one may find. */
  const isLate = isReap && buffer.isLate();
  const isToLetGo = isReap || delivery[0] === 'startVat';
  let problem: string | undefined;
  let failure: unknown;
  rejections.beginCrank();
  gc.beginCrank();
  buffer.begin(delivery);
  try {
    if (held) {
      buffer.sweep(held);
    }
    if (!isLate) {
      await liveSlots.dispatch(delivery);
    }
    if (isToLetGo) {
      buffer.letGo();
    }
  } catch (thrown) {
    failure = thrown;
    problem = describeFailure(thrown);
  }
  problem = buffer.breach() ?? problem;
  const effects = problem === undefined ? buffer.take() : buffer.drop();
  rejections.endCrank(failure);
  log.endCrank();
  const outcome: Outcome =
    problem === undefined ? { ok: true } : { ok: false, problem };
  return {
    type: 'done',
    crank,
    outcome,
    ...effects,
    ...describeEnd(vat, { isToLetGo, isLate }),
  };
};

const refuse = (crank: number, problem: string): FromVat => ({
  type: 'done',
  crank,
  outcome: { ok: false, problem },
  syscalls: [],
  changes: [],
});

/**
 * Serves one vat over one stream, from `hello` to the worker's end. After a
 * crank that failed the heap is ahead of the store: every later delivery fails,
 * and the kernel should discard the worker.
 */
export const startSupervisor = (powers: SupervisorPowers): void => {
  const { stream } = powers;
  let vat: Vat | undefined;
  let failedCrank: number | undefined;
  /** The crank under way. */
  let current: number | undefined;

  const start = (message: Start): void => {
    if (vat !== undefined) {
      throw Error('the vat has been started already');
    }
    try {
      vat = loadVat(message, powers, answerBreach);
    } catch (thrown) {
      const problem =
        thrown instanceof BundleError ? thrown.message : describeThrown(thrown);
      stream.send({ type: 'failed', problem });
      return;
    }
    stream.send({ type: 'ready' });
  };

  /**
   * The kernel hears of it at once, not when the vat is quiescent: a flood's
   * rest may take longer than its delivery's deadline, and eat the memory of all.
   */
  const answerBreach = (problem: string): void => {
    if (current !== undefined) {
      failedCrank = current;
      stream.send(refuse(current, problem));
      stream.flush();
    }
  };

  const deliver = async (loaded: Vat, message: Deliver) => {
    const { crank } = message;
    if (failedCrank !== undefined) {
      stream.send(
        refuse(crank, `crank ${failedCrank} failed and left the heap unusable`),
      );
      return;
    }
    current = crank;
    const done = await runCrank(loaded, message);
    current = undefined;
    if (failedCrank === undefined) {
      failedCrank = done.outcome.ok ? undefined : crank;
      stream.send(done);
    }
  };

  stream.receive(
    message => {
      if (message.type === 'start') {
        start(message);
        return;
      }
      if (vat === undefined || current !== undefined) {
        throw Error(
          vat === undefined
            ? 'a delivery came before the vat was started'
            : 'a delivery came while another was in flight',
        );
      }
      void deliver(vat, message);
    },
    // The kernel has let go of this vat; whoever started the worker ends it.
    () => {},
  );
  stream.send({ type: 'hello', version: PROTOCOL_VERSION });
};
harden(startSupervisor);
