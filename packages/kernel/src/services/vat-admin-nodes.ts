import harden from '@endo/harden';
import {
  encodeError,
  isVatId,
  type BundleHash,
  type CapData,
  type Kref,
  type UpgradeResult,
  type VatId,
} from '@cooperage/protocol';
import { mayMove } from '../authority.ts';
import type { CrankParts } from '../crank.ts';
import { insistRow } from '../faults.ts';
import type { Phase } from '../phase.ts';
import type { VatRow } from '../store/vat-schema.ts';
import type { ChildRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';
import type { UpgradeOrder } from '../upgrade-order.ts';
import type { StoreBounds } from '../vats/store-bounds.ts';
import { refuseUnless } from './refusal.ts';
import { LATER, type Call, type Method } from './service.ts';
import { recordOf, writeValue, type Value } from './values.ts';
import { settleChild } from './vat-admin-children.ts';
import {
  askForEnd,
  forgetUnheard,
  isQuestion,
  listUnheard,
  settleCall,
  VAT_ADMIN,
} from './vat-admin-ends.ts';
import { readData, readReason, readUpgrade } from './vat-admin-requests.ts';

/** What can be done to a vat, each in a crank of its own. */
export type VatOrders = {
  /** The vat ends, and others hear this reason. */
  end(vat: VatId, reason: string): void;
  suspend(vat: VatId, reason: string): void;
  pause(vat: VatId): void;
  unpause(vat: VatId): void;
  resume(vat: VatId): void;
  upgrade(vat: VatId, order: UpgradeOrder): Promise<UpgradeResult>;
};

/** Finds code for a child of a quota. Throws Refusal. */
type Resolve = (quota: number, bundle: string) => BundleHash;

const TERMINATED = 'the vat was terminated by its maker';

const stateOf = ({ failure, suspension, paused }: VatRow): string => {
  if (failure !== null) {
    return 'failed';
  }
  if (suspension !== null) {
    return 'suspended';
  }
  return paused ? 'paused' : 'running';
};

/**
 * What a node can do: the object by which a maker governs one vat. What is done to
 * the vat is done in cranks of its own, right after that of the call.
 */
export const makeNodes = (
  state: State,
  {
    parts,
    phase,
    pump,
    orders,
    bounds,
  }: {
    parts: CrankParts;
    phase: Phase;
    pump: () => void;
    orders: VatOrders;
    bounds: Pick<StoreBounds, 'bytesOf'>;
  },
) => {
  const { refcounts } = parts;

  const vatOf = ({ self }: Call): VatRow | undefined =>
    state.vats.get(self.data as VatId);
  const childOf = ({ self }: Call): ChildRow =>
    insistRow(state.children.get(self.data as VatId), `child ${self.data}`);

  const insistVat = (call: Call): VatRow => {
    const row = vatOf(call);
    refuseUnless(row, () => 'the vat has ended', 'Error');
    return row;
  };

  /** A person's order is above its maker's, who can still end it. */
  const insistMine = (call: Call): VatRow => {
    const row = insistVat(call);
    refuseUnless(
      mayMove(row, 'maker'),
      () =>
        `a person has paused or suspended the vat, and only a person lets it go on`,
      'Error',
    );
    return row;
  };

  /** It has not lost its heap for a reason that somebody is to see to. */
  const insistSound = (call: Call): VatRow => {
    const row = insistMine(call);
    const { failure, suspension } = row;
    refuseUnless(
      failure === null && suspension === null,
      () => `the vat is ${stateOf(row)}: ${failure ?? suspension}`,
      'Error',
    );
    return row;
  };

  const terminate: Method = call => {
    const { id } = insistVat(call);
    const data: CapData<Kref> =
      readData(call, 0) ?? encodeError('Error', TERMINATED);
    settleChild(state, parts, id, { isRejected: true, data });
    call.afterCrank(() => orders.end(id, TERMINATED));
    return undefined;
  };

  const resume: Method = call => {
    const { id, suspension, paused } = insistMine(call);
    if (suspension !== null) {
      call.afterCrank(() => orders.resume(id));
    } else if (paused) {
      call.afterCrank(() => orders.unpause(id));
    }
    return undefined;
  };

  const stats: Method = (call): Value => {
    const row = vatOf(call);
    if (!row) {
      return recordOf({ state: 'ended' });
    }
    const { id, name, failure, suspension, incarnation, bundle } = row;
    const { stoppedBy } = row;
    return recordOf({
      state: stateOf(row),
      reason: failure ?? suspension ?? undefined,
      stoppedBy: stoppedBy ?? undefined,
      name,
      bundle,
      incarnation,
      waiting: state.queueByName.count(id),
      references: state.clistByEndpoint.count(id),
      storeBytes: bounds.bytesOf(row),
    });
  };

  const answer = (id: number, isRejected: boolean, data: CapData<Kref>): void =>
    phase.guard(() => {
      const row = state.calls.get(id);
      if (row) {
        parts.run(() => settleCall(state, parts, row, { isRejected, data }));
        pump();
      }
    });

  const upgrade =
    (resolve: Resolve): Method =>
    call => {
      const { id: vat } = insistMine(call);
      const { bundle, parameters, upgradeMessage } = readUpgrade(
        call,
        kref => state.objects.get(kref)?.iface ?? null,
      );
      const hash = resolve(childOf(call).quota, bundle);
      refuseUnless(
        state.callsByObject.count(call.self.kref) === 0,
        () => 'the vat is being upgraded already: wait for that to end',
        'Error',
      );
      const id = state.allot('call');
      const slots = parameters?.slots ?? [];
      const { self, result } = call;
      const service = VAT_ADMIN;
      state.calls.put({
        id,
        service,
        object: self.kref,
        promise: result,
        slots,
      });
      [...slots, ...(result === null ? [] : [result])].forEach(refcounts.hold);
      call.afterCommit(() => {
        const order: UpgradeOrder = {
          source: { hash },
          parameters,
          upgradeMessage,
          by: 'maker',
          asker: isVatId(call.sender) ? call.sender : undefined,
        };
        orders.upgrade(vat, order).then(
          ({ incarnation }) =>
            answer(id, false, writeValue(recordOf({ incarnation }))),
          (problem: unknown) =>
            answer(
              id,
              true,
              encodeError(
                'Error',
                problem instanceof Error ? problem.message : String(problem),
              ),
            ),
        );
      });
      return LATER;
    };

  return harden({
    methods: (resolve: Resolve) => ({
      done: (call: Call): typeof LATER =>
        askForEnd(state, parts, call, childOf(call).done),
      terminate,
      suspend: (call: Call): Value => {
        const { id } = insistSound(call);
        const reason = readReason(call.args[0], 'suspended by its maker');
        call.afterCrank(() => orders.suspend(id, reason));
        return undefined;
      },
      pause: (call: Call): Value => {
        const { id } = insistSound(call);
        call.afterCrank(() => orders.pause(id));
        return undefined;
      },
      resume,
      upgrade: upgrade(resolve),
      stats,
    }),
    /** Upgrades that an earlier kernel was at. */
    restore: (): void => {
      const data = encodeError(
        'Error',
        'the kernel was restarted while the upgrade was under way: stats() tells which incarnation it has come to',
      );
      const answer = { isRejected: true, data };
      for (const row of [...state.calls.values()]) {
        if (row.service === VAT_ADMIN && !isQuestion(row)) {
          parts.run(() => settleCall(state, parts, row, answer));
        }
      }
    },
    /** Somebody has ended, who may have asked how a vat ends; inside a crank. */
    tidy: (): void => forgetUnheard(state, parts),
    sweep: (): boolean => {
      const isAny = listUnheard(state, parts).length > 0;
      if (isAny) {
        parts.run(() => forgetUnheard(state, parts));
      }
      return isAny;
    },
  });
};
harden(makeNodes);

export type Nodes = ReturnType<typeof makeNodes>;
