import fc from 'fast-check';
import type { Renewal, Step } from '../equivalence.ts';
import type { Deed } from './renewed-vats.ts';

export const CLIENTS = 3;

const vat = fc.constantFrom('left', 'right', 'middle');
const HOMES = { a: 'left', b: 'right', c: 'middle' };
const number = fc.integer({ min: 1, max: 9 });

type Kind = Deed['kind'];
const KINDS: readonly Kind[] = [
  'put',
  'grow',
  'grow',
  'add',
  'addHeld',
  'hand',
  'hand',
  'addVia',
  'relay',
  'tag',
  'tagOf',
  'forget',
];

/** The deeds of a step: each by another client or with another name. */
const deeds: fc.Arbitrary<Step['deeds']> = fc
  .uniqueArray(
    fc.record({
      client: fc.integer({ min: 0, max: CLIENTS - 1 }),
      letter: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom(...KINDS),
      vat,
      number,
      isAtHome: fc.constantFrom(true, true, false),
    }),
    {
      minLength: 3,
      maxLength: 9,
      selector: each => `${each.client} ${each.letter}`,
    },
  )
  .map(all =>
    all.map(({ client, letter, isAtHome, ...fields }) => ({
      client,
      deed: {
        ...fields,
        name: `${letter}${client}`,
        // So there mostly is something of that name.
        vat: isAtHome ? HOMES[letter] : fields.vat,
      },
    })),
  );

const renewals: fc.Arbitrary<Renewal> = fc.record({
  vats: fc.oneof(
    fc.tuple(vat),
    fc.constantFrom(['left', 'right'], ['left', 'right', 'middle']),
  ),
  how: fc.constantFrom('upgrade', 'upgrade', 'restart', 'suspend', 'pause'),
  cranks: fc.integer({ min: 0, max: 24 }),
});

/** Programs with losses of the kernel as they are given. */
export const programs = (
  reboot: fc.Arbitrary<Step['reboot']>,
): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      deeds,
      renewals: fc.array(renewals, { maxLength: 3 }),
      reboot,
    }),
    { minLength: 4, maxLength: 7 },
  );
