import { inDigits } from './digits.ts';

/** What people make and the kernel keeps for all of them together, so many at most. */
export const KERNEL_LIMITS = Object.freeze([
  'clusters',
  'sessions',
  'homeNames',
  'bundles',
] as const);
export type KernelLimit = (typeof KERNEL_LIMITS)[number];

/** One of these bounds: what there is now, and may be. */
export type KernelUse = {
  readonly limit: KernelLimit;
  readonly now: number;
  readonly most: number;
};

const NAMES: Readonly<Record<KernelLimit, string>> = Object.freeze({
  clusters: 'clusters',
  sessions: 'sessions of clients',
  homeNames: 'names kept in home',
  bundles: 'bundles stored',
});

/** `3 of 1,000 names kept in home` */
export const wordsOfKernelUse = ({ limit, now, most }: KernelUse): string =>
  `${inDigits(now)} of ${inDigits(most)} ${NAMES[limit]}`;
