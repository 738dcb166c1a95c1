import { DEFAULT_VAT_LIMITS, type Syscall } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import { makeFileImages, openNodeStorage } from './adapters/sqlite-wasm.ts';
import { makeStage, send, settle } from './testing/stage.ts';

declare const process: {
  readonly env: Readonly<Record<string, string | undefined>>;
  cpuUsage(): { readonly user: number; readonly system: number };
};

/** Of what a crank may do at most; `PART=1` measures the whole, which takes a while. */
const PART = Number(process.env['PART'] ?? 0.01);
const partOf = (most: number): number => Math.floor(0.99 * PART * most);

const { referencesPerCrank, changesPerCrank } = DEFAULT_VAT_LIMITS;
/** New objects that each message names, beside its target. */
const NAMES = 9;
const SENDS = partOf(referencesPerCrank / (1 + NAMES));
const CHANGES = partOf(changesPerCrank);

const sends = Array.from({ length: SENDS }, (_, nth): Syscall => {
  const names = Array.from(
    { length: NAMES },
    (_name, at) => `o+${1 + nth * NAMES + at}`,
  );
  return send('o+0', 'take', names);
});
const changes = Array.from(
  { length: CHANGES },
  (_, nth) => [`key ${nth}`, 'x'.repeat(100)] as const,
);

/** Milliseconds of all threads of this process. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

it.each([
  ['messages that name new objects', { syscalls: sends, changes: [] }],
  ['changes of the store', { syscalls: [], changes }],
  ['both', { syscalls: sends, changes }],
])(
  'a crank is applied and committed that does as much as it may: %s',
  async (what, { syscalls, changes: changed }) => {
    const { db, stores } = await openNodeStorage(makeFileImages());
    const stage = await makeStage(['bob'], {
      isChecked: false,
      wrap: platform => ({ ...platform, db, stores }),
    });
    const { state } = stage.rig.kernel;
    await stage.say(send(stage.root('bob'), 'work', [], 'p+1'));
    const before = processorTime();
    stage.vat('bob').finish({ syscalls, changes: changed });
    await settle();
    // Answered when all that is in the tables is committed.
    await stage.client.rpc.call('reference', { cluster: 'demo', vat: 'bob' });
    const milliseconds = Math.round(processorTime() - before);
    console.log(`${what}, ${PART} of the bounds: ${milliseconds} ms`);
    const bob = stage.vat('bob').id;
    expect(state.exported.of(bob)).toBe(1 + syscalls.length * NAMES);
    expect(state.vats.get(bob)?.suspension).toBe(null);
  },
  600_000,
);
