import { expect, it } from 'vitest';
import { makeMemoryImage } from '../adapters/memory.ts';
import { BUNDLES } from '../testing/admin-stage.ts';
import { makeWitness } from '../testing/commits.ts';
import type { Behavior, Deed, RawVat } from '../testing/raw-vats.ts';
import { makeRig } from '../testing/rig.ts';
import { call } from '../testing/service-stage.ts';
import { dataOf, fulfil, settle, subscribe } from '../testing/stage.ts';

const OPTIONS = {
  bundles: BUNDLES,
  services: [{ service: 'vatAdmin', vats: 2, bytes: 1_000_000 }],
  collectMilliseconds: Infinity,
  epochCranks: 1,
};

/** `boot` makes a vat as it is bootstrapped, keeps in its store how that went, and answers the bootstrap then. */
const makeMaker = (note: (heard: string) => void) => {
  let answer: string | null = null;
  return (delivery: Parameters<Behavior>[0], { label }: RawVat): Deed => {
    if (label !== 'boot') {
      return { changes: [['started', label]] };
    }
    if (
      delivery[0] === 'message' &&
      delivery[2].methargs.body.startsWith('#["bootstrap"')
    ) {
      answer = delivery[2].result ?? null;
      const [administrator = ''] = delivery[2].methargs.slots.slice(-1);
      const args = ['helper', { name: 'kid', policy: { bytes: 400_000 } }];
      return {
        syscalls: [
          call(administrator, 'createVat', args, 'p+7'),
          subscribe('p+7'),
        ],
      };
    }
    if (delivery[0] !== 'notify') {
      return {};
    }
    const [[, isRejected, { body }] = ['', false, dataOf(0)] as const] =
      delivery[1];
    note(isRejected ? body : 'made');
    return {
      changes: [['heard', isRejected ? 'rejected' : 'made']],
      syscalls: answer === null ? [] : [fulfil(answer, dataOf(2))],
    };
  };
};

it('a bootstrap that makes a vat, and a crash at any commit: there is a whole vat or none, the maker hears which, and the cluster says whether its bootstrap was cut short (2, 6, 10)', async () => {
  const image = makeMemoryImage();
  const { images, wrap } = makeWitness();
  const behave = makeMaker(() => {});
  const held: (() => void)[] = [];
  const rig = makeRig(
    (delivery, vat) => {
      const deed = behave(delivery, vat);
      if (delivery[0] === 'startVat' && vat.label !== 'kid') {
        return deed;
      }
      held.push(() => vat.finish(deed));
      return undefined;
    },
    { ...OPTIONS, image, wrap: wrap(image) },
  );
  await rig.launch('demo', ['boot', 'bob']);
  for (let turns = 0; turns < 20; turns += 1) {
    await settle();
    rig.kernel.state.store.commit();
    held.shift()?.();
  }
  await rig.kernel.idle();
  expect([...rig.kernel.state.vats.values()].map(({ name }) => name)).toEqual([
    'boot',
    'bob',
    'kid',
  ]);
  await rig.kernel.stop();
  const seen = new Set<string>();
  for (const crashed of images) {
    const births = crashed.tables.get('births')?.size ?? 0;
    const told: string[] = [];
    let isDoneOver = false;
    const next = makeMaker(heard => told.push(heard));
    const later = makeRig(
      (delivery, vat) => {
        const deed = next(delivery, vat);
        isDoneOver ||= (deed.syscalls ?? []).length === 2;
        return deed;
      },
      { ...OPTIONS, image: makeMemoryImage(crashed) },
    );
    await later.kernel.idle();
    await settle();
    await later.kernel.idle();
    const { state } = later.kernel;
    const [cluster] = later.kernel.status().clusters;
    const kids = [...state.vats.values()].filter(({ name }) => name === 'kid');
    expect({
      births: state.births.size,
      children: [...state.children.values()].map(({ vat }) => vat),
      used: [...state.quotas.values()].map(row => [
        row.vatsUsed,
        row.bytesUsed,
      ]),
      awaited: [...state.clusters.values()].map(row => row.bootstrapResult),
      strays: [...later.image.vats.keys()].filter(vat => !state.vats.has(vat)),
    }).toEqual({
      births: 0,
      children: kids.map(({ id }) => id),
      used: cluster ? [[kids.length, 400_000 * kids.length]] : [],
      awaited: cluster ? [null] : [],
      strays: [],
    });
    if (births > 0) {
      expect(told.join()).toContain(
        'vat kid was not made: the kernel was restarted while it was being made',
      );
    }
    if (isDoneOver) {
      expect([told, kids.length]).toEqual([['made'], 1]);
    }
    const problem = cluster?.bootstrapProblem;
    if (problem !== undefined) {
      expect(problem).toBe('it was cut short: the kernel was restarted');
    }
    seen.add(
      [
        cluster ? 'there' : 'absent',
        births > 0 ? 'being made' : 'not being made',
        kids.length > 0 ? 'made' : 'not made',
        isDoneOver ? 'done over' : 'not done over',
        problem === undefined ? 'whole' : 'cut short',
      ].join(', '),
    );
    await later.kernel.stop();
  }
  expect([...seen].sort()).toEqual([
    'absent, not being made, not made, not done over, whole',
    'there, being made, not made, not done over, cut short',
    'there, not being made, made, done over, whole',
    'there, not being made, made, not done over, cut short',
    'there, not being made, made, not done over, whole',
  ]);
});
