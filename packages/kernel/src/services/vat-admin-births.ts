import harden from '@endo/harden';
import {
  isVatId,
  makeVatId,
  type ClusterId,
  type VatId,
} from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import { EndpointFault, insistRow } from '../faults.ts';
import type { Phase } from '../phase.ts';
import type { VatStores } from '../ports.ts';
import type { BirthRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import type { Candidate, Candidates, Newcomer } from '../vats/candidates.ts';
import type { ServiceObjects } from './objects.ts';
import { refuseUnless } from './refusal.ts';
import { LATER, type Call } from './service.ts';
import { recordOf, writeValue } from './values.ts';
import {
  addChild,
  isBirthOver,
  MAKER_ENDED,
  rejectBirth,
  removeBirth,
} from './vat-admin-children.ts';
import { VAT_ADMIN } from './vat-admin-ends.ts';
import {
  clusterOfQuota,
  problemOfMore,
  takeQuota,
} from './vat-admin-quotas.ts';
import type { Creation } from './vat-admin-requests.ts';
import { termsOf, type UsualTerms } from './vat-admin-terms.ts';

/** Vats of one cluster that are being made at once. */
export const MOST_BIRTHS = 16;
/** Vats of one cluster, whatever its quotas are. */
const MOST_VATS = 1_000;

/** A vat on its way, while this kernel runs. */
type Birth = {
  readonly newcomer: Omit<Newcomer, 'code'>;
  isRoomMade: boolean;
  candidate: Candidate | undefined;
};

/**
 * Vats that other vats have asked for. A row keeps what is promised to whom, and
 * what the parameters name; it goes in the one crank in which the vat's rows come,
 * what its startVat did is applied and the answer given, or, if anything goes
 * wrong before, with the rejection.
 */
export const makeBirths = (
  state: State,
  {
    parts,
    objects,
    phase,
    pump,
    stores,
    candidates,
    adopt,
    usual,
  }: {
    parts: CrankParts;
    objects: ServiceObjects;
    phase: Phase;
    pump: () => void;
    stores: Pick<VatStores, 'reserve' | 'delete'>;
    candidates: () => Pick<Candidates, 'startNew' | 'enter' | 'apply'>;
    /** Hands a worker whose startVat has been applied to the one who runs vats. */
    adopt: (candidate: Candidate) => void;
    usual: UsualTerms;
  },
) => {
  const { refcounts, promises, usage } = parts;
  const underWay = new Map<number, Birth>();

  /** What there is of it outside of the tables goes. */
  const discard = (id: number): void => {
    const birth = underWay.get(id);
    underWay.delete(id);
    birth?.candidate?.kill();
    if (birth?.isRoomMade) {
      stores.delete(birth.newcomer.id); // there is no file: this gives the room back
    }
  };

  const fail = (id: number, problem: string): void => {
    discard(id);
    const row = state.births.get(id);
    if (row) {
      parts.run(() => rejectBirth(state, parts, row, problem));
    }
    pump();
  };

  /** All of it in one crank. Throws EndpointFault, and then none. */
  const apply = (
    id: number,
    newcomer: Omit<Newcomer, 'code'>,
    candidate: Candidate,
  ): void =>
    parts.run(() => {
      const row = insistRow(state.births.get(id), `birth ${id}`);
      const { enter, apply: applyStart } = candidates();
      const root = enter({ ...newcomer, code: codeOf(row) }, row.cluster);
      const node = objects.make({
        service: VAT_ADMIN,
        kind: 'node',
        data: row.vat,
        maker: row.maker,
      });
      addChild(state, parts, { ...row, node: node.kref });
      applyStart(candidate);
      stopWithMaker(row);
      if (row.promise !== null) {
        const iface = state.objects.get(root)?.iface ?? row.name;
        const made = {
          root: { type: 'object', kref: root, iface },
          node,
        } as const;
        promises.resolve(row.promise, false, writeValue(recordOf(made)));
      }
      removeBirth(state, refcounts, row);
    });

  /** A person who has stopped the maker has not seen this vat: it waits as the maker does. */
  const stopWithMaker = ({ vat, maker }: BirthRow): void => {
    const by = isVatId(maker) ? state.vats.get(maker)?.stoppedBy : null;
    const row = state.vats.get(vat);
    if (by === 'person' && row) {
      state.vats.put({ ...row, paused: 1, stoppedBy: by });
    }
  };

  const codeOf = ({ bundle }: BirthRow): Newcomer['code'] =>
    insistRow(state.bundles.get(bundle), `bundle ${bundle}`);

  const land = (id: number): void => {
    const row = state.births.get(id);
    const { newcomer, candidate } = insistRow(underWay.get(id), `birth ${id}`);
    if (!row || !candidate) {
      discard(id); // whoever asked for it has ended
      return;
    }
    try {
      apply(id, newcomer, candidate);
    } catch (problem) {
      if (!(problem instanceof EndpointFault)) {
        throw problem;
      }
      fail(id, problem.message);
      return;
    }
    underWay.delete(id);
    adopt(candidate);
    pump();
  };

  const start = (id: number, vat: VatId): void => {
    const row = state.births.get(id);
    const birth = underWay.get(id);
    if (!row || !birth) {
      stores.delete(vat); // it came to nothing meanwhile: the room is given back
      return;
    }
    birth.isRoomMade = true;
    birth.candidate = candidates().startNew(
      {
        newcomer: { ...birth.newcomer, code: codeOf(row) },
        party: row.cluster,
        asker: isVatId(row.maker) ? row.maker : undefined,
      },
      {
        onHeld: () => land(id),
        onFailed: problem => fail(id, problem),
      },
    );
  };

  /** Its row is committed. */
  const begin = (id: number, vat: VatId): void => {
    if (underWay.has(id)) {
      stores.reserve(1).then(
        () => phase.guard(() => start(id, vat)),
        (problem: unknown) =>
          phase.guard(() => fail(id, `there is no room: ${String(problem)}`)),
      );
    }
  };

  /** Another vat of the cluster has the name, or is about to. */
  const isTaken = (cluster: ClusterId, name: string): boolean =>
    [
      ...state.vatsByCluster.values(cluster),
      ...state.birthsByCluster.values(cluster),
    ].some(row => row.name === name);

  const insistRoom = (
    quota: number,
    { name, bytes }: { name: string; bytes: number | null },
  ): void => {
    const cluster = clusterOfQuota(state, quota);
    refuseUnless(
      !isTaken(cluster, name),
      () => `the cluster has a vat ${name} already`,
      'Error',
    );
    refuseUnless(
      state.birthsByCluster.count(cluster) < MOST_BIRTHS,
      () => `${MOST_BIRTHS} vats are being made: wait for one of them`,
      'RangeError',
    );
    refuseUnless(
      state.vatsByCluster.count(cluster) +
        state.birthsByCluster.count(cluster) <
        MOST_VATS,
      () => `a cluster has at most ${MOST_VATS} vats`,
      'RangeError',
    );
    const problem = problemOfMore(state, quota, { bytes });
    refuseUnless(problem === undefined, () => `${problem}`, 'RangeError');
  };

  return harden({
    /** Makes a vat of code that is at hand; inside the crank of the call. Throws Refusal. */
    order: (
      call: Call,
      { quota, hash }: { quota: number; hash: string },
      { name, policy, parameters }: Creation,
    ): typeof LATER => {
      const cluster = clusterOfQuota(state, quota);
      refuseUnless(
        !isBirthOver(state, { maker: call.sender, cluster }),
        () => MAKER_ENDED,
        'Error',
      );
      const problem = usage.problemOfServed(call.sender);
      refuseUnless(problem === undefined, () => `${problem}`, 'RangeError');
      const terms = termsOf(state, {
        quota,
        policy,
        maker: call.sender,
        usual,
      });
      const share = terms.storeBytes;
      insistRoom(quota, { name, bytes: share });
      const id = state.allot('birth');
      const vat = makeVatId(state.allot('vat'));
      takeQuota(state, quota, { bytes: share });
      state.births.put({
        id,
        vat,
        administrator: call.self.kref,
        quota,
        cluster,
        maker: call.sender,
        name,
        bundle: hash,
        bytes: share,
        slots: parameters.slots,
        promise: call.result,
      });
      parameters.slots.forEach(refcounts.hold);
      if (call.result !== null) {
        refcounts.hold(call.result);
      }
      const { bytes: _, ...rules } = policy;
      const newcomer = {
        ...rules,
        ...terms,
        id: vat,
        name,
        parameters,
      };
      call.afterCrank(() => {
        underWay.set(id, { newcomer, isRoomMade: false, candidate: undefined });
      });
      call.afterCommit(() => begin(id, vat));
      return LATER;
    },
    /** A kernel before this one was to make them. */
    restore: (): void => {
      for (const row of [...state.births.values()]) {
        parts.run(() =>
          rejectBirth(
            state,
            parts,
            row,
            'the kernel was restarted while it was being made',
          ),
        );
      }
    },
    /** Somebody has ended, and with it perhaps some of them; inside a crank. */
    tidy: (): void => {
      for (const id of underWay.keys()) {
        if (!state.births.has(id)) {
          discard(id);
        }
      }
    },
  });
};
harden(makeBirths);

export type Births = ReturnType<typeof makeBirths>;
