import { CONFIG, KEEPER, SAMPLES } from './testing/services-page.ts';
import '@cooperage/client/lockdown';
import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Fetch } from '@cooperage/kernel';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

/** The server of the samples. */
const fetch: Fetch = ({ url }) => ({
  answer: Promise.resolve({
    status: 200,
    url,
    headers: [],
    bytes: new TextEncoder().encode('rain'),
  }),
  cancel: () => {},
});

/** Names of objects are another kernel's. */
const withoutNumbers = (value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/\bko\d+/g, 'ko#') : value;

/** All samples as one program, for each goes on from those before it. */
const PROGRAM = `async ({ E, Far, kernel }, tell) => {
  ${SAMPLES.map(
    ({ before, last }) =>
      `${before}\n${/^const /.test(last) ? `${last}; tell(undefined)` : `tell(${last})`};`,
  ).join('\n')}
}`;

test('docs/services.md gives what it says, sample by sample', async () => {
  const rig = await rigs.start({ fetch });
  const { console: realm, logs } = rig;
  const [name = ''] = Object.keys(CONFIG.vats);
  const vats = { [name]: { ...CONFIG.vats[name], bundle: KEEPER } };
  await realm.E(realm.kernel).launch({ ...CONFIG, vats } as never);
  const told: unknown[] = [];
  await runInThisContext(`(${PROGRAM})`)(realm, (value: unknown) =>
    told.push(withoutNumbers(value)),
  );
  expect(told).toEqual(
    SAMPLES.map(({ literal }) =>
      withoutNumbers(runInThisContext(`(${literal || 'undefined'})`)),
    ),
  );
  expect(told.length).toBeGreaterThan(7);
  expect(logs).toContainEqual(
    expect.objectContaining({
      label: 'study console',
      level: 'warn',
      text: 'the kettle is { hot: true }',
    }),
  );
});
