import { expect, it } from 'vitest';
import { DEFAULT_VAT_LIMITS, USUAL_BOUNDS } from '@cooperage/protocol';
import { boundsOf, mostsOf, mostUnfoldedOf } from './bounds.ts';

it('the bounds are the usual ones where the options do not say otherwise', () => {
  expect(boundsOf({})).toEqual({
    usual: USUAL_BOUNDS,
    mostUnits: 256_000_000,
    roundMessages: 50,
    notifiesTogether: 50,
  });
  expect(mostsOf({})).toEqual({
    clusters: 1_000,
    sessions: 1_000,
    homeNames: 1_000,
    bundles: 1_000,
  });
  expect(mostUnfoldedOf({})).toEqual({ changes: 10_000, units: 16_000_000 });
});

it('options change what they name, of a vat’s limits those of a crank', () => {
  expect(
    boundsOf({
      allowance: { promises: 5 },
      limits: { ...DEFAULT_VAT_LIMITS, unitsPerMessage: 6, logUnits: 1 },
      logLinesPerSecond: 7,
      mostUnits: 8,
      roundMessages: 9,
      notifiesTogether: 10,
      parallel: 2,
    }),
  ).toEqual({
    usual: {
      ...USUAL_BOUNDS,
      promises: 5,
      unitsPerMessage: 6,
      logLinesPerSecond: 7,
    },
    mostUnits: 8,
    roundMessages: 9,
    notifiesTogether: 10,
  });
  expect(
    mostsOf({
      mostClusters: 1,
      mostSessions: 2,
      mostHomeNames: 3,
      mostBundles: 4,
    }),
  ).toEqual({ clusters: 1, sessions: 2, homeNames: 3, bundles: 4 });
  expect(mostUnfoldedOf({ foldChanges: 1, foldUnits: 2 })).toEqual({
    changes: 1,
    units: 2,
  });
});

it('with one delivery at a time all goes in the order of arrival', () => {
  expect(boundsOf({ parallel: 1, roundMessages: 9 })).toMatchObject({
    roundMessages: Infinity,
    notifiesTogether: 1,
  });
});
