import fc from 'fast-check';
import type { VatFault } from './durable-vats.ts';

/** What somebody at the console does. */
export type Deed =
  | { readonly do: 'work'; readonly to: number }
  /** Work of which some may be lost by the rules: for a vat that may end, or with an object of the client's in it. */
  | { readonly do: 'risk'; readonly to: number }
  | { readonly do: 'launch' | 'terminate' | 'collect' | 'leave' }
  /** Holds all vats still, has one of them get one delivery, and lets them go on. */
  | { readonly do: 'pause' | 'step' | 'unpause' }
  /** Has a vat be woken once; makes a revocable alias of a vat's root. */
  | { readonly do: 'alarm' | 'alias'; readonly to: number }
  /** Revokes the first alias that there is; cancels the first alarm that repeats. */
  | { readonly do: 'revoke' | 'cancel' }
  /** Has a vat be made, of the cluster's code or of code that may be stored; ends the last that was, or does something else to it. */
  | { readonly do: 'birth' | 'govern'; readonly to: number }
  /** Asks an administrator for one that may do less, and by which vats are made from then on, too. */
  | { readonly do: 'narrow' }
  /** Has a vat of a launched cluster be woken again and again; asks a server. */
  | { readonly do: 'repeat' | 'fetch' }
  /** Keeps code for later, or not any more. */
  | { readonly do: 'store' | 'discard'; readonly to: number }
  /** Keeps the root of a vat under a name. */
  | { readonly do: 'keep'; readonly to: number }
  | {
      readonly do:
        | 'upgrade'
        | 'restart'
        | 'suspend'
        | 'resume'
        | 'forget'
        /** Pauses one vat, and lets it go on. */
        | 'hold'
        | 'release';
      readonly to: number;
    }
  /** A worker goes, alone or with all. */
  | {
      readonly do: 'lose';
      readonly to: number;
      readonly what: 'worker' | 'host';
    };

export type Program = {
  readonly deeds: readonly Deed[];
  /** Chooses what vats do and in which order things happen. */
  readonly seed: number;
  /** How workers fail, each at some pieces of work and once; unless given they do not. */
  readonly faults?: readonly VatFault[];
  /** The vats that never end are critical: the first fault of one stops the kernel. */
  readonly isCritical?: boolean;
  /** One piece of work in so many is one of these; 6 unless given. */
  readonly faultsOneIn?: number;
};

const small = fc.nat(2);
const oneOf = <Name extends Deed['do']>(...names: Name[]) =>
  fc.constantFrom(...names);

const FAULTS = fc.constantFrom<readonly VatFault[]>(
  [],
  [],
  ['illegal'],
  ['illegal', 'silent'],
);

const deedsOf = (mostDeeds: number, mostLosses: number): fc.Arbitrary<Deed[]> =>
  fc
    .array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: oneOf('work'), to: small }),
        },
        {
          weight: 3,
          arbitrary: fc.record({ do: oneOf('risk'), to: small }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            do: oneOf('launch', 'terminate', 'collect', 'leave'),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: oneOf(
              'upgrade',
              'restart',
              'suspend',
              'resume',
              'keep',
              'forget',
              'hold',
              'release',
            ),
            to: small,
          }),
        },
        {
          weight: 3,
          arbitrary: fc.record({ do: oneOf('alarm', 'alias'), to: small }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            do: oneOf('pause', 'step', 'unpause', 'revoke'),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: oneOf('birth', 'govern', 'store', 'discard'),
            to: small,
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            do: oneOf('fetch', 'repeat', 'cancel', 'narrow'),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            do: oneOf('lose'),
            to: small,
            what: fc.constantFrom('worker' as const, 'host' as const),
          }),
        },
      ),
      { minLength: 1, maxLength: mostDeeds },
    )
    .map(deeds => {
      let losses = 0;
      return deeds.filter(deed => {
        losses += deed.do === 'lose' ? 1 : 0;
        return deed.do !== 'lose' || losses <= mostLosses;
      });
    });

/**
 * Programs of so many deeds at most; at most two losses of workers, for after
 * three a delivery is given up, and none where workers fail by themselves.
 */
export const programs = (mostDeeds: number): fc.Arbitrary<Program> =>
  FAULTS.chain(faults =>
    fc.record({
      deeds: deedsOf(mostDeeds, faults.length > 0 ? 0 : 2),
      seed: fc.nat(2 ** 31),
      faults: fc.constant(faults),
    }),
  );
