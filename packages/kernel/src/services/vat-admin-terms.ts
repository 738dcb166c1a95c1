import harden from '@endo/harden';
import { isVatId, type EndpointId, type VatBounds } from '@cooperage/protocol';
import type { State } from '../store/state.ts';
import type { Newcomer } from '../vats/candidates.ts';
import { refuseUnless } from './refusal.ts';
import { bytesLeftOf, mostDeadlineOf } from './vat-admin-quotas.ts';
import { USUAL_STORE, type Policy } from './vat-admin-requests.ts';

/** What a vat has when nobody says otherwise. */
export type UsualTerms = {
  /** Milliseconds of a delivery. */
  readonly deadline: number;
  readonly bounds: VatBounds;
};

/** The numbers that bound a vat, none of them above what its maker may give. */
export type Terms = Pick<Newcomer, 'deadline' | 'storeBytes' | 'limits'>;

const deadlineOf = (
  wanted: number | null,
  { most, usual }: { most: number; usual: number },
): number | null => {
  refuseUnless(
    wanted === null || wanted <= most,
    () =>
      `policy: deadline is at most ${most} milliseconds for this administrator, not ${wanted}`,
    'RangeError',
  );
  return wanted ?? (most < usual ? most : null);
};

/** Bounds but that of the store are handed down where they are narrower than usual, never where they are wider. */
const narrowed = (
  limits: Partial<VatBounds>,
  usual: VatBounds,
): Partial<VatBounds> =>
  Object.fromEntries(
    Object.entries(limits).filter(
      ([key, most]) =>
        key !== 'storeBytes' && most < usual[key as keyof VatBounds],
    ),
  );

/**
 * What a new vat may have. Its deadline is bounded by its administrator; its
 * store by the bytes of the quota, or, where nobody bounds these, by what its
 * maker's own may have, and a store has usually; and all else by the maker's
 * limits, and what is usual. Throws Refusal.
 */
export const termsOf = (
  state: State,
  {
    quota,
    policy,
    maker,
    usual,
  }: {
    quota: number;
    policy: Policy;
    maker: EndpointId | null;
    usual: UsualTerms;
  },
): Terms => {
  const row = isVatId(maker) ? state.vats.get(maker) : undefined;
  const most = mostDeadlineOf(state, quota, usual.deadline);
  const isCounted = bytesLeftOf(state, quota) !== null;
  const { storeBytes } = usual.bounds;
  const mostBytes = Math.min(storeBytes, row?.storeBytes ?? Infinity);
  refuseUnless(
    isCounted || policy.bytes === null || policy.bytes <= mostBytes,
    () =>
      `policy: bytes is at most ${mostBytes} where no quota counts them, not ${policy.bytes}`,
    'RangeError',
  );
  const uncounted = mostBytes < storeBytes ? mostBytes : null;
  return {
    deadline: deadlineOf(policy.deadline, { most, usual: usual.deadline }),
    storeBytes: policy.bytes ?? (isCounted ? USUAL_STORE : uncounted),
    limits: narrowed(row?.limits ?? {}, usual.bounds),
  };
};
harden(termsOf);
