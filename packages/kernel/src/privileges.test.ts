import { METHOD_PRIVILEGE } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import {
  KINDS,
  NEEDED_PRIVILEGE,
  PRIVILEGE_CASES,
  refusalOf,
} from './testing/privilege-table.ts';
import { makeRig } from './testing/rig.ts';

it('every method has its privilege, and no other is served', async () => {
  expect(Object.keys(NEEDED_PRIVILEGE).sort()).toEqual(
    Object.keys(METHOD_PRIVILEGE).sort(),
  );
  const rig = makeRig();
  const { rpc } = await rig.connect();
  for (const method of ['syscalls', 'toString', '__proto__', '']) {
    await expect(rpc.call(method, {})).rejects.toMatchObject({
      code: 'RPC_UNKNOWN_METHOD',
    });
  }
  await rig.kernel.stop();
});

it('each method is served to each kind of port that has the privilege, and refused to the others in words; what is refused does nothing', async () => {
  for (const kind of KINDS) {
    const rig = makeRig();
    await rig.launch('demo', ['alice']);
    const { rpc } = await rig.connect(kind);
    for (const { method, privilege, refusal } of PRIVILEGE_CASES) {
      if (privilege === kind) {
        const before = rig.kernel.status();
        const found = await refusalOf(rpc.call(method, {}));
        expect([method, privilege, found]).toEqual([
          method,
          privilege,
          refusal,
        ]);
        if (refusal) {
          expect(rig.kernel.status()).toEqual(before);
        }
      }
    }
    // The very last one, and it was served.
    const left = rig.kernel.status().clusters.length;
    expect(left).toBe(kind === 'dangerous' ? 0 : 1);
    await rig.kernel.stop();
  }
});
