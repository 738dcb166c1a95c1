import harden from '@endo/harden';
import {
  CooperageError,
  makeClusterId,
  makeExportVref,
  makeVatId,
  problemOfBundle,
  ROOT_VREF,
  type BundleHash,
  type BundleSource,
  type ClusterConfig,
  type Delivery,
  type Kref,
  type LaunchResult,
  type VatConfig,
  type VatId,
  type VatLimits,
} from '@cooperage/protocol';
import type { Clusters } from './clusters.ts';
import type { CrankParts } from './crank.ts';
import { EndpointFault, faultUnless } from './faults.ts';
import { parametersOf, readConfig } from './launch-config.ts';
import { makeCourse, type Course } from './launch-course.ts';
import type { LaunchLog, LaunchRecord } from './launch-log.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { Platform } from './ports.ts';
import type { Sessions } from './sessions.ts';
import type { State } from './store/state.ts';
import type { Done } from './translate/check.ts';
import { makeStart, type Runner } from './vats/runner.ts';
import type { Workers } from './vats/workers.ts';

type Code = { readonly hash: BundleHash; readonly text: string };
/** A vat whose worker has run startVat, and nothing of it is applied yet. */
type Candidate = {
  readonly id: VatId;
  readonly name: string;
  readonly config: VatConfig;
  readonly code: Code;
  done?: Done;
};

const EMPTY_STORE_BYTES = 4;

/** Launches clusters: all of it in one crank, or nothing of it. */
export const makeLaunches = (
  state: State,
  {
    platform,
    phase,
    clusters,
    parts,
    sessions,
    outputs,
    workers,
    runner,
    limits,
    log,
  }: {
    platform: Platform;
    phase: Phase;
    clusters: Clusters;
    parts: CrankParts;
    sessions: Sessions;
    outputs: Outputs;
    workers: Workers;
    runner: Runner;
    limits: VatLimits;
    log: LaunchLog;
  },
) => {
  const courses = new Set<Course>();
  const abortAll = (problem: CooperageError): void =>
    courses.forEach(course => course.abort(problem));
  phase.onEnd(abortAll);

  const readCode = async (vat: string, source: BundleSource): Promise<Code> => {
    if ('hash' in source) {
      const stored = state.bundles.get(source.hash);
      if (!stored) {
        throw new CooperageError(
          'BAD_BUNDLE',
          `Vat ${vat}: no bundle with hash ${source.hash.slice(0, 12)}… is stored`,
        );
      }
      return stored;
    }
    const text =
      'url' in source ? await platform.fetchText(source.url) : source.text;
    const problem = text.isWellFormed()
      ? problemOfBundle(text)
      : 'the bundle has half of a surrogate pair: it is no Unicode text';
    if (problem !== undefined) {
      throw new CooperageError('BAD_BUNDLE', `Vat ${vat}: ${problem}`);
    }
    return { hash: await platform.hash(new TextEncoder().encode(text)), text };
  };

  /** Starts a worker and runs startVat in it; what comes back is held. */
  const startCandidate = (
    candidate: Candidate,
    course: Course,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      const { id, name, config, code } = candidate;
      const refuse = (problem: string): void => {
        const reason = new CooperageError(
          'LAUNCH_FAILED',
          `Vat ${name}: ${problem}`,
        );
        reject(reason);
        course.abort(reason); // it may have started before: what it did is void
      };
      const delivery: Delivery = ['startVat', parametersOf(config)];
      const row = {
        id,
        name,
        incarnation: 1,
        endowments: config.endowments,
      };
      workers.start(
        id,
        name,
        () =>
          makeStart(row, {
            bundle: code.text,
            store: new ArrayBuffer(EMPTY_STORE_BYTES),
            limits,
          }),
        {
          onReady: () => workers.deliver(id, delivery, config.deadline),
          onDone: done => {
            candidate.done = done;
            if (done.outcome.ok) {
              resolve();
            } else {
              refuse(done.outcome.problem);
            }
          },
          onFailed: refuse,
          onLost: refuse,
          afterLoss: () => {},
        },
      );
    });

  const storeBundles = (candidates: readonly Candidate[]): void => {
    for (const { code } of candidates) {
      if (!state.bundles.has(code.hash)) {
        state.bundles.put(code);
      }
    }
  };

  const addVat = (
    candidate: Candidate,
    cluster: LaunchResult['cluster'],
  ): Kref => {
    const { id, name, config, code } = candidate;
    const parameters = parametersOf(config);
    const root = parts.clists.addExport(id, ROOT_VREF);
    parts.refcounts.hold(root);
    state.vats.put({
      id,
      cluster,
      name,
      bundle: code.hash,
      parametersBody: parameters.body,
      parametersSlots: parameters.slots,
      endowments: config.endowments,
      incarnation: 1,
      asleep: 0,
      root,
      failure: null,
      suspension: null,
      deadline: config.deadline,
      onFault: config.onFault,
      nextImport: 50,
      fold: 0,
    });
    return root;
  };

  const applyDone = ({ id, name, done }: Candidate): void => {
    for (const syscall of done?.syscalls ?? []) {
      faultUnless(
        syscall[0] !== 'exit',
        () => `Vat ${name}: it ended itself while it started`,
      );
      parts.applySyscall(id, syscall);
    }
    for (const [key, value] of done?.changes ?? []) {
      state.vatChanges.put({ vat: id, key, value });
    }
  };

  /** Everything at once: rows, roots, what the starts did, and the bootstrap message. */
  const applyAll = (
    config: ClusterConfig,
    candidates: readonly Candidate[],
    sendBootstrap: (roots: Record<string, Kref>) => void,
  ): LaunchResult =>
    parts.run(() => {
      const cluster = makeClusterId(state.allot('cluster'));
      const { name, bootstrap } = config;
      state.clusters.put({ id: cluster, name, bootstrap });
      storeBundles(candidates);
      const roots = Object.fromEntries(
        candidates.map(each => [each.name, addVat(each, cluster)]),
      );
      candidates.forEach(applyDone);
      sendBootstrap(roots);
      return { cluster, name, vats: roots };
    });

  /** `bootstrap(vats, services)` for the root of the bootstrap vat, from a session that only waits for the answer. */
  const prepareBootstrap = (config: ClusterConfig, record: LaunchRecord) => {
    const session = sessions.open(`launch of ${config.name}`, {
      deliver: (_number, delivery) => {
        const [, isRejected, data] =
          delivery[0] === 'notify' ? (delivery[1][0] ?? []) : [];
        record.bootstrapEnded(isRejected ? data?.body : undefined);
        sessions.end(session, 'the bootstrap has ended');
      },
      ended: () => {},
    });
    const send = (roots: Record<string, Kref>): void => {
      const target = roots[config.bootstrap];
      if (target === undefined) {
        throw Error(`no root for ${config.bootstrap}`);
      }
      const vats = Object.keys(roots);
      const named = vats.map((vat, index) => [
        vat,
        `$${index}.Alleged: ${vat}`,
      ]);
      const body = `#${JSON.stringify(['bootstrap', [Object.fromEntries(named), {}]])}`;
      const result = parts.clists.addExport(
        session,
        makeExportVref('promise', 1),
      );
      parts.promises.subscribe(session, result);
      parts.promises.setDecider(result, null);
      parts.route({
        target,
        methargs: { body, slots: Object.values(roots) },
        result,
        sender: session,
      });
    };
    return { session, send };
  };

  const run = async (
    config: ClusterConfig,
    record: LaunchRecord,
    course: Course,
  ): Promise<LaunchResult> => {
    const step = <Value>(
      text: string,
      work: () => Promise<Value>,
    ): Promise<Value> => course.wait(record.step(text, work));
    const entries = Object.entries(config.vats);
    const codes = await step('fetch and check the code', () =>
      Promise.all(entries.map(([vat, { bundle }]) => readCode(vat, bundle))),
    );
    await step('make room for the stores', () =>
      platform.stores.reserve(entries.length),
    );
    const candidates = entries.map(([name, vat], index): Candidate => {
      const code = codes[index];
      if (!code) {
        throw Error(`no code for ${name}`);
      }
      const id = parts.run(() => makeVatId(state.allot('vat')));
      return { id, name, config: vat, code };
    });
    try {
      await Promise.all(
        candidates.map(candidate =>
          step(`start vat ${candidate.name}`, () =>
            startCandidate(candidate, course),
          ),
        ),
      );
      course.insist();
      const bootstrap = prepareBootstrap(config, record);
      try {
        const result = applyAll(config, candidates, bootstrap.send);
        candidates.forEach(({ id }) => runner.adopt(id));
        return result;
      } catch (problem) {
        sessions.end(bootstrap.session, 'the launch failed');
        throw problem instanceof EndpointFault
          ? new CooperageError('LAUNCH_FAILED', problem.message)
          : problem;
      }
    } catch (problem) {
      candidates.forEach(({ id }) => workers.kill(id));
      throw problem;
    }
  };

  return {
    /** Resolves when the launch is committed; rejects, and leaves nothing behind, when any part of it fails. */
    launch: async (
      value: unknown,
      onApplied: () => void,
    ): Promise<LaunchResult> => {
      const config = readConfig(value);
      const releaseName = clusters.takeName(config.name);
      const record = log.open(config.name);
      const course = makeCourse();
      courses.add(course);
      try {
        const result = await run(config, record, course);
        record.started();
        onApplied();
        return await new Promise<LaunchResult>((resolve, reject) =>
          outputs.leave(() => resolve(result), reject),
        );
      } catch (problem) {
        record.failed(problem);
        throw problem;
      } finally {
        courses.delete(course);
        releaseName();
      }
    },
    /** Ends the launches that are under way. */
    abortAll,
  };
};
harden(makeLaunches);

export type Launches = ReturnType<typeof makeLaunches>;
