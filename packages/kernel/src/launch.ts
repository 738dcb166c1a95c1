import harden from '@endo/harden';
import {
  CooperageError,
  makeClusterId,
  makeExportVref,
  makeVatId,
  type ClusterConfig,
  type Kref,
  type LaunchResult,
} from '@cooperage/protocol';
import type { Bundles, Code } from './bundles.ts';
import type { Clusters } from './clusters.ts';
import type { CrankParts } from './crank.ts';
import { EndpointFault } from './faults.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { KeptBundles } from './kept-bundles.ts';
import { askerOfSites, parametersOf, readConfig } from './launch-config.ts';
import { makeCourse, type Course } from './launch-course.ts';
import { makeLaunchGate } from './launch-gate.ts';
import type { LaunchLog, LaunchRecord } from './launch-log.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { Services } from './services/services.ts';
import { recordOf, writeValue, type Reference } from './services/values.ts';
import type { Platform } from './ports.ts';
import type { Sessions } from './sessions.ts';
import type { State } from './store/state.ts';
import type { Candidate, Candidates, Newcomer } from './vats/candidates.ts';
import type { Runner } from './vats/runner.ts';

/** A vat whose worker has run startVat, and nothing of it is applied yet. */
type Started = {
  readonly newcomer: Newcomer;
  readonly candidate: Candidate;
};

/** The bundles that a config names for vats to come. */
type NamedCode = readonly (readonly [name: string, code: Code])[];

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
    bundles,
    kept,
    candidates,
    runner,
    services,
    log,
    pump,
    options,
  }: {
    options: Pick<KernelOptions, 'mostClusters' | 'launchesPerMinute'>;
    platform: Platform;
    phase: Phase;
    clusters: Clusters;
    parts: CrankParts;
    sessions: Sessions;
    outputs: Outputs;
    bundles: Bundles;
    kept: KeptBundles;
    candidates: Candidates;
    runner: Runner;
    services: Services;
    log: LaunchLog;
    /** To be called when more may be delivered, or is left to be cleared away. */
    pump: () => void;
  },
) => {
  const courses = new Set<Course>();
  const gate = makeLaunchGate({
    now: platform.clock.now,
    options,
    clusters: () => state.clusters.size + courses.size,
  });
  const abortAll = (problem: CooperageError): void =>
    courses.forEach(course => course.abort(problem));
  phase.onEnd(abortAll);

  /** Starts a worker and runs startVat in it; what comes back is held. */
  const startCandidate = (
    started: { newcomer: Newcomer; party: string },
    course: Course,
  ): Promise<Candidate> =>
    new Promise((resolve, reject) => {
      const candidate = candidates.startNew(started, {
        onHeld: () => resolve(candidate),
        onFailed: problem => {
          const reason = new CooperageError(
            'LAUNCH_FAILED',
            `Vat ${started.newcomer.name}: ${problem}`,
          );
          reject(reason);
          course.abort(reason); // it may have started before: what it did is void
        },
      });
      course.onAbort(candidate.kill);
    });

  /** Room for the files of vats, given back when they come to nothing, which may be while it is made. */
  const makeRoom = async (
    newcomers: readonly Newcomer[],
    course: Course,
  ): Promise<void> => {
    await platform.stores.reserve(newcomers.length);
    course.onAbort(() =>
      phase.guard(() => {
        for (const { id } of newcomers) {
          if (!state.vats.has(id)) {
            platform.stores.delete(id);
          }
        }
      }),
    );
  };

  const applyStart = ({ newcomer, candidate }: Started): void => {
    try {
      candidates.apply(candidate);
    } catch (problem) {
      throw problem instanceof EndpointFault
        ? new EndpointFault(`Vat ${newcomer.name}: ${problem.message}`)
        : problem;
    }
  };

  /** Everything at once: rows, roots, what the starts did, and the bootstrap message. */
  const applyAll = (
    config: ClusterConfig,
    { started, named }: { started: readonly Started[]; named: NamedCode },
    sendBootstrap: ReturnType<typeof prepareBootstrap>['send'],
  ): LaunchResult =>
    parts.run(() => {
      const cluster = makeClusterId(state.allot('cluster'));
      const { name, bootstrap, services: granted } = config;
      state.clusters.put({
        id: cluster,
        name,
        bootstrap,
        services: granted,
        bootstrapResult: null,
        bootstrapProblem: null,
      });
      for (const [bundle, code] of named) {
        kept.keep(cluster, bundle, code);
      }
      const roots = Object.fromEntries(
        started.map(({ newcomer }) => {
          bundles.keep(newcomer.code);
          return [newcomer.name, candidates.enter(newcomer, cluster)];
        }),
      );
      started.forEach(applyStart);
      parts.bootstraps.expect(
        cluster,
        sendBootstrap(roots, services.grant({ id: cluster, name }, granted)),
      );
      return { cluster, name, vats: roots };
    });

  /** `bootstrap(vats, services)` for the root of the bootstrap vat, from a session that only waits for the answer; `send` gives the promise of it. */
  const prepareBootstrap = (config: ClusterConfig, record: LaunchRecord) => {
    const session = sessions.open(`launch of ${config.name}`, {
      deliver: (_number, delivery) => {
        const [, isRejected, data] =
          delivery[0] === 'notify' ? (delivery[1][0] ?? []) : [];
        record.bootstrapEnded(isRejected ? data?.body : undefined);
        sessions.end(session, 'the bootstrap has ended');
        platform.clock.soon(() => phase.guard(pump));
      },
      ended: () => {},
    });
    const send = (
      roots: Record<string, Kref>,
      granted: Record<string, Reference>,
    ): Kref => {
      const target = roots[config.bootstrap];
      if (target === undefined) {
        throw Error(`no root for ${config.bootstrap}`);
      }
      const vats = Object.entries(roots).map(
        ([iface, kref]) => [iface, { type: 'object', kref, iface }] as const,
      );
      const result = parts.clists.addExport(
        session,
        makeExportVref('promise', 1),
      );
      parts.promises.subscribe(session, result);
      parts.promises.setDecider(result, null);
      parts.route({
        target,
        methargs: writeValue(['bootstrap', [new Map(vats), recordOf(granted)]]),
        result,
        sender: session,
      });
      return result;
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
    const ask = askerOfSites(platform, config.services);
    await (ask && step('ask what may be fetched', ask));
    const [codes, named] = await step('fetch and check the code', () =>
      Promise.all([
        Promise.all(
          entries.map(([vat, { bundle }]) => bundles.read(vat, bundle)),
        ),
        Promise.all(
          Object.entries(config.bundles).map(
            async ([name, source]) =>
              [name, await bundles.read(name, source)] as const,
          ),
        ),
      ]),
    );
    const newcomers = entries.map(([name, vat], index): Newcomer => {
      const code = codes[index];
      if (!code) {
        throw Error(`no code for ${name}`);
      }
      const id = parts.run(() => makeVatId(state.allot('vat')));
      return {
        ...vat,
        id,
        name,
        code,
        storeBytes: vat.limits.storeBytes ?? null,
        parameters: parametersOf(vat.parameters),
      };
    });
    await step('make room for the stores', () => makeRoom(newcomers, course));
    const started = await Promise.all(
      newcomers.map(newcomer =>
        step(`start vat ${newcomer.name}`, async () => ({
          newcomer,
          candidate: await startCandidate(
            { newcomer, party: `launch of ${config.name}` },
            course,
          ),
        })),
      ),
    );
    course.insist();
    const bootstrap = prepareBootstrap(config, record);
    try {
      const result = applyAll(config, { started, named }, bootstrap.send);
      started.forEach(({ candidate }) => runner.adopt(candidate));
      return result;
    } catch (problem) {
      sessions.end(bootstrap.session, 'the launch failed');
      throw problem instanceof EndpointFault
        ? new CooperageError('LAUNCH_FAILED', problem.message)
        : problem;
    }
  };

  return {
    /** Resolves when the launch is committed; rejects, and leaves nothing behind, when any part of it fails. */
    launch: async (
      value: unknown,
      onApplied: () => void,
    ): Promise<LaunchResult> => {
      const config = readConfig(value);
      services.insistKnown(config.services);
      gate.pass();
      const releaseName = clusters.takeName(config.name);
      const record = log.open(config.name);
      const course = makeCourse();
      courses.add(course);
      try {
        const result = await run(config, record, course).catch(problem => {
          course.abort(problem); // the workers that run by now go
          throw problem;
        });
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
