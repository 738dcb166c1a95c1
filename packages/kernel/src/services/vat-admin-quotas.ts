import harden from '@endo/harden';
import type { BundleHash, ClusterId } from '@cooperage/protocol';
import { insistRow } from '../faults.ts';
import type { QuotaRow } from '../store/service-schema.ts';
import type { State } from '../store/state.ts';

/** Administrators that each narrow the one before. */
export const MOST_NARROWED = 16;

type Quotas = Pick<State, 'quotas' | 'quotasByParent' | 'allot'>;

/** What one vat takes of a quota: itself, and the share of its store, if it has one. */
export type Share = { readonly bytes: number | null };

/** The quota and all that it narrows, itself first. */
export const quotasUpFrom = (state: Quotas, id: number): QuotaRow[] => {
  const chain: QuotaRow[] = [];
  for (
    let row: QuotaRow | undefined = insistRow(
      state.quotas.get(id),
      `quota ${id}`,
    );
    row;
    row = row.parent === null ? undefined : state.quotas.get(row.parent)
  ) {
    chain.push(row);
  }
  return chain;
};
harden(quotasUpFrom);

/** A quota of an administrator that is about to be made; used inside a crank, as all that changes rows here. */
export const addQuota = (
  state: Quotas,
  {
    parent,
    cluster,
    vats,
    bytes,
    bundles,
    deadline,
  }: Pick<QuotaRow, 'parent' | 'cluster' | 'vats' | 'bytes' | 'deadline'> & {
    readonly bundles: readonly BundleHash[] | null;
  },
): number => {
  const id = state.allot('quota');
  state.quotas.put({
    id,
    parent,
    cluster,
    vats,
    bytes,
    bundles: bundles === null ? null : JSON.stringify(bundles),
    vatsUsed: 0,
    bytesUsed: 0,
    isHeld: 1,
    deadline,
  });
  return id;
};
harden(addQuota);

/** The cluster in which the vats live that are made under the quota. */
export const clusterOfQuota = (state: Quotas, id: number): ClusterId =>
  insistRow(state.quotas.get(id), `quota ${id}`).cluster;
harden(clusterOfQuota);

/** Bytes that are left for stores, over all that the quota narrows; null when nothing bounds them. */
export const bytesLeftOf = (state: Quotas, id: number): number | null => {
  const left = quotasUpFrom(state, id).flatMap(({ bytes, bytesUsed }) =>
    bytes === null ? [] : [bytes - bytesUsed],
  );
  return left.length === 0 ? null : Math.min(...left);
};
harden(bytesLeftOf);

/** Milliseconds that one of its vats may have for a delivery at most; `usual` is the kernel's measure. */
export const mostDeadlineOf = (
  state: Quotas,
  id: number,
  usual: number,
): number =>
  Math.min(
    ...quotasUpFrom(state, id).map(
      ({ deadline, parent }) =>
        deadline ?? (parent === null ? usual : Infinity),
    ),
  );
harden(mostDeadlineOf);

/** The only code that a quota itself allows; null for any. */
export const codeOfQuota = ({
  bundles,
}: Pick<QuotaRow, 'bundles'>): readonly BundleHash[] | null =>
  bundles === null ? null : JSON.parse(bundles);
harden(codeOfQuota);

export const isCodeAllowed = (
  state: Quotas,
  id: number,
  hash: BundleHash,
): boolean =>
  quotasUpFrom(state, id).every(
    row => codeOfQuota(row)?.includes(hash) ?? true,
  );
harden(isCodeAllowed);

/** Why there is no room for one more vat, if there is none. */
export const problemOfMore = (
  state: Quotas,
  id: number,
  { bytes: share }: Share,
): string | undefined => {
  for (const { vats, vatsUsed, bytes, bytesUsed } of quotasUpFrom(state, id)) {
    if (vats !== null && vatsUsed >= vats) {
      return `the quota of ${vats} vats is used up`;
    }
    if (bytes !== null && bytesUsed + (share ?? 0) > bytes) {
      return `of the quota of ${bytes} bytes ${bytes - bytesUsed} are left, and a store of ${share} was asked for`;
    }
  }
  return undefined;
};
harden(problemOfMore);

const count = (
  state: Quotas,
  id: number,
  { vats, bytes }: { vats: number; bytes: number },
): void => {
  for (const row of quotasUpFrom(state, id)) {
    state.quotas.put({
      ...row,
      vatsUsed: row.vatsUsed + vats,
      bytesUsed: row.bytesUsed + bytes,
    });
  }
};

/** One more vat, for which there is room. */
export const takeQuota = (state: Quotas, id: number, { bytes }: Share): void =>
  count(state, id, { vats: 1, bytes: bytes ?? 0 });
harden(takeQuota);

/** A quota without an administrator, a vat, and quotas that narrow it can't count anything any more. */
const sweep = (state: Quotas, id: number): void => {
  const row = state.quotas.get(id);
  if (
    row &&
    !row.isHeld &&
    row.vatsUsed === 0 &&
    state.quotasByParent.count(id) === 0
  ) {
    state.quotas.delete(id);
    if (row.parent !== null) {
      sweep(state, row.parent);
    }
  }
};

/** One of its vats is no more, or came to nothing. */
export const giveQuotaBack = (
  state: Quotas,
  id: number,
  { bytes }: Share,
): void => {
  count(state, id, { vats: -1, bytes: -(bytes ?? 0) });
  sweep(state, id);
};
harden(giveQuotaBack);

/** Its administrator is no more; the quota stays for as long as it counts vats. */
export const letGoOfQuota = (state: Quotas, id: number): void => {
  const row = state.quotas.get(id);
  if (row) {
    state.quotas.put({ ...row, isHeld: 0 });
    sweep(state, id);
  }
};
harden(letGoOfQuota);
