import harden from '@endo/harden';
import { isKref } from '@cooperage/protocol';
import type { State } from '../store/state.ts';
import { insistObject } from './arguments.ts';
import { REVOCATION, type ServiceObjects } from './objects.ts';
import { refuseUnless } from './refusal.ts';
import type { Service } from './service.ts';
import { recordOf } from './values.ts';

/** Aliases of aliases: a message follows them all. */
export const MOST_DEPTH = 32;

/**
 * `makeRevocable(target)` gives `{ref, revoker}`: what is sent to `ref` goes to
 * the target (`router.ts`), until `E(revoker).revoke()`. A revoker knows its
 * alias by name and does not hold it: names are never given again.
 */
export const makeRevocationService = (
  state: State,
  { objects }: { objects: ServiceObjects },
): Service =>
  harden({
    kinds: {
      revocation: {
        makeRevocable: ({ args, sender: maker }) => {
          const target = insistObject(args[0], 'the target');
          const depth = (state.aliases.get(target)?.depth ?? 0) + 1;
          refuseUnless(
            depth <= MOST_DEPTH,
            () => `the target is revocable ${MOST_DEPTH} times over already`,
            'RangeError',
          );
          const ref = objects.makeAlias({ target, depth, maker });
          const revoker = objects.make({
            service: REVOCATION,
            kind: 'revoker',
            data: ref.kref,
            maker,
          });
          return recordOf({ ref, revoker });
        },
      },
      revoker: {
        revoke: ({ self }) => {
          if (isKref(self.data)) {
            objects.revoke(self.data);
          }
          return undefined;
        },
      },
    },
    grant: () => ({ kind: 'revocation', data: '' }),
  } satisfies Service);
harden(makeRevocationService);
