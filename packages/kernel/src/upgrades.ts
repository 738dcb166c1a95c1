import harden from '@endo/harden';
import {
  CooperageError,
  type UpgradeResult,
  type VatId,
} from '@cooperage/protocol';
import { mayMove } from './authority.ts';
import { dropUnusedBundle, type Bundles, type Code } from './bundles.ts';
import type { CrankParts } from './crank.ts';
import { EndpointFault, insistRow } from './faults.ts';
import type { Lives } from './lives.ts';
import type { Outputs } from './outputs.ts';
import type { Phase } from './phase.ts';
import type { VatRow } from './store/vat-schema.ts';
import type { State } from './store/state.ts';
import type { StoreKeeper } from './vat-stores.ts';
import type { UpgradeOrder } from './upgrade-order.ts';
import type { Flight } from './translate/to-endpoint.ts';
import type { Candidate, Candidates } from './vats/candidates.ts';
import type { Runner } from './vats/runner.ts';
import type { LossCause } from './vats/worker-owner.ts';

const OVERRULED =
  'a person has paused or suspended it, and only a person lets it go on';

/** One upgrade under way. */
type Upgrade = {
  readonly vat: VatId;
  readonly order: UpgradeOrder;
  /**
   * - `fetching`: the vat runs as ever;
   * - `waiting`: for the end of the delivery in flight, and nothing more is delivered;
   * - `reaping`: the old heap says what it has no use for;
   * - `starting`: beside the old worker, which is idle, another runs startVat;
   * - `started`: that has ended well; if the old heap was lost, its loss is not over yet.
   */
  stage: 'fetching' | 'waiting' | 'reaping' | 'starting' | 'started' | 'over';
  code?: Code;
  /** Whether there was a heap when its deliveries were stopped, which may be lost meanwhile. */
  hadHeap: boolean;
  candidate?: Candidate;
  replace?: () => void;
  readonly resolve: (result: UpgradeResult) => void;
  readonly reject: (problem: unknown) => void;
};

/**
 * Gives vats new code over their stores. Until the new incarnation's startVat
 * has ended well the old one keeps its heap; then one crank replaces it, or, if
 * anything has gone wrong before, nothing has changed and the old one goes on.
 */
export const makeUpgrades = (
  state: State,
  {
    phase,
    parts,
    lives,
    outputs,
    keeper,
    bundles,
    candidates,
    runner,
    pump,
  }: {
    phase: Phase;
    parts: CrankParts;
    lives: Lives;
    outputs: Outputs;
    keeper: StoreKeeper;
    bundles: Bundles;
    candidates: Candidates;
    runner: Runner;
    /** To be called when more may be done for those under way; calls `goOn`, unless the kernel is to stop. */
    pump: () => void;
  },
) => {
  const underWay = new Map<VatId, Upgrade>();

  const vatRow = (vat: VatId): VatRow =>
    insistRow(state.vats.get(vat), `vat ${vat}`);

  const end = (upgrade: Upgrade): void => {
    const isHeld = upgrade.stage !== 'fetching';
    upgrade.stage = 'over';
    underWay.delete(upgrade.vat);
    if (isHeld) {
      runner.release(upgrade.vat);
    }
  };

  /** The vat goes on as it was. */
  const refuse = (upgrade: Upgrade, problem: CooperageError): void => {
    if (upgrade.stage !== 'over') {
      upgrade.candidate?.kill();
      end(upgrade);
      // What it tells of may not be committed yet.
      outputs.leave(() => upgrade.reject(problem), upgrade.reject);
    }
  };

  /**
   * There is nothing that could go on, and no word yet on what is to be done. The
   * loss of the process of all is a word: the vat starts again, as all others do.
   */
  const hasLostHeap = (
    { vat, hadHeap, stage }: Upgrade,
    cause: LossCause | undefined,
  ): boolean => {
    const row = state.vats.get(vat);
    return (
      stage !== 'over' &&
      cause !== 'host' &&
      cause !== 'alone' &&
      hadHeap &&
      row?.asleep === 1 &&
      row.failure === null &&
      row.suspension === null
    );
  };

  /** One above the one who has ordered it has stopped the vat. */
  const isOverruled = ({ vat, order }: Upgrade): boolean => {
    const row = state.vats.get(vat);
    return row !== undefined && !mayMove(row, order.by);
  };

  const fail = (upgrade: Upgrade, problem: string, cause?: LossCause): void => {
    const { vat } = upgrade;
    const isLost = hasLostHeap(upgrade, cause);
    const words = `Vat ${state.vats.get(vat)?.name ?? vat} was not upgraded: ${problem}`;
    refuse(
      upgrade,
      new CooperageError(
        'UPGRADE_FAILED',
        isLost
          ? `${words}; its heap was lost meanwhile, so it is suspended`
          : words,
      ),
    );
    if (isLost) {
      runner.giveUp(
        vat,
        `its heap was lost during an upgrade that failed: ${problem}`,
      );
    }
  };

  phase.onEnd(problem => {
    for (const upgrade of underWay.values()) {
      upgrade.stage = 'over';
      upgrade.reject(problem);
    }
    underWay.clear();
  });

  /** The old heap goes and the row is that of the new incarnation, before its startVat; inside a crank. */
  const renew = (
    { vat, order }: Upgrade,
    {
      code,
      incarnation,
      flight,
    }: { code: Code; incarnation: number; flight: Flight },
  ): void => {
    const message = order.upgradeMessage ?? 'vat upgraded';
    lives.loseHeap(vat, message, flight.additions.keys());
    lives.unfail(vat);
    const row = vatRow(vat);
    const parameters = order.parameters ?? {
      body: row.parametersBody,
      slots: row.parametersSlots,
    };
    parameters.slots.forEach(parts.refcounts.hold);
    row.parametersSlots.forEach(parts.refcounts.release);
    bundles.keep(code);
    state.vats.put({
      ...row,
      bundle: code.hash,
      parametersBody: parameters.body,
      parametersSlots: parameters.slots,
      incarnation,
      asleep: 0,
      failure: null,
      suspension: null,
      stoppedBy: row.paused ? row.stoppedBy : null,
    });
    dropUnusedBundle(state, row.bundle);
  };

  /** All in one crank; what the candidate did is applied to just the tables for which it was started. */
  const replace = (
    upgrade: Upgrade,
    candidate: Candidate,
    renewed: { code: Code; incarnation: number },
  ): void => {
    try {
      parts.run(() => {
        renew(upgrade, { ...renewed, flight: candidate.flight });
        candidates.apply(candidate);
      });
    } catch (problem) {
      if (!(problem instanceof EndpointFault)) {
        throw problem;
      }
      fail(upgrade, problem.message);
      return;
    }
    runner.adopt(candidate);
    end(upgrade);
    outputs.leave(
      () => upgrade.resolve({ incarnation: renewed.incarnation }),
      upgrade.reject,
    );
  };

  /**
   * Nothing of the vat's c-list changes from here on until the end, unless its heap is
   * lost, and then only what the start leaves out: so it can be prepared now.
   */
  const startCandidate = (upgrade: Upgrade): void => {
    const { vat } = upgrade;
    const before = vatRow(vat);
    const code = insistRow(upgrade.code, `code for ${vat}`);
    const incarnation = before.incarnation + 1;
    const flight = parts.flights.startVat(vat, upgrade.order.parameters);
    upgrade.stage = 'starting';
    const candidate = candidates.start(
      {
        row: { ...before, incarnation },
        code,
        pack: () => {
          keeper.foldOne(vat);
          return keeper.pack(vat);
        },
        flight,
        party: before.cluster,
        asker: upgrade.order.asker,
      },
      {
        onHeld: () => {
          upgrade.stage = 'started';
          goOn(upgrade);
        },
        onFailed: (problem, cause) => fail(upgrade, problem, cause),
      },
    );
    upgrade.candidate = candidate;
    upgrade.replace = () => replace(upgrade, candidate, { code, incarnation });
  };

  const goOn = (upgrade: Upgrade): void => {
    const { vat, stage } = upgrade;
    const row = state.vats.get(vat);
    if (!row) {
      fail(upgrade, 'it has ended meanwhile');
    } else if (
      stage === 'fetching' ||
      stage === 'starting' ||
      parts.losses.isUnderWay(vat)
    ) {
      return;
    } else if (isOverruled(upgrade)) {
      fail(upgrade, OVERRULED);
    } else if (stage === 'started') {
      upgrade.replace?.();
    } else if (row.asleep) {
      runner.dropStart(vat);
      startCandidate(upgrade);
    } else if (runner.isFlying(vat)) {
      return;
    } else if (stage === 'waiting') {
      upgrade.stage = 'reaping';
      runner.reap(vat);
    } else {
      startCandidate(upgrade);
    }
  };

  const fetch = async (upgrade: Upgrade): Promise<void> => {
    const { vat, order } = upgrade;
    try {
      const code = await bundles.read(vatRow(vat).name, order.source);
      phase.guard(() => {
        if (upgrade.stage === 'fetching') {
          upgrade.code = code;
          upgrade.stage = 'waiting';
          upgrade.hadHeap = state.vats.get(vat)?.asleep === 0; // it may have ended
          runner.hold(vat, () => {
            upgrade.hadHeap = false; // whoever makes it go says how the vat goes on
            fail(upgrade, 'it was restarted, suspended or ended meanwhile');
          });
          pump();
        }
      });
    } catch (problem) {
      phase.guard(() => {
        if (!(problem instanceof CooperageError)) {
          throw problem;
        }
        refuse(upgrade, problem);
      });
    }
  };

  return harden({
    /**
     * Resolves when the new incarnation runs and that is committed. Rejects with
     * CooperageError VAT_UNKNOWN, BAD_BUNDLE, BUNDLE_UNREACHABLE, UPGRADE_FAILED,
     * or as the kernel ended; then the vat is as it was, unless its own delivery
     * or somebody else has ended it.
     */
    upgrade: (vat: VatId, order: UpgradeOrder): Promise<UpgradeResult> =>
      new Promise((resolve, reject) => {
        const row = state.vats.get(vat);
        if (!row) {
          throw new CooperageError('VAT_UNKNOWN', `There is no vat ${vat}`);
        }
        if (underWay.has(vat)) {
          throw new CooperageError(
            'UPGRADE_FAILED',
            `Vat ${row.name} was not upgraded: another upgrade of it is under way`,
          );
        }
        const upgrade: Upgrade = {
          vat,
          order,
          stage: 'fetching',
          hadHeap: false,
          resolve,
          reject,
        };
        underWay.set(vat, upgrade);
        void fetch(upgrade);
      }),
    /** Does what can be done now for each that is under way; to be called whenever a delivery may have ended. */
    goOn: (): void => [...underWay.values()].forEach(goOn),
  });
};
harden(makeUpgrades);

export type Upgrades = ReturnType<typeof makeUpgrades>;
