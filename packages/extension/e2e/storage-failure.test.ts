import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { LEDGER, makeLane, readBook } from './ledger.ts';
import { type } from './typing.ts';

/** Makes a method of the kernel's file handles throw, below SQLite and its VFS, after so many calls that succeed. */
const faultOf = (method: 'write' | 'flush', problem: string, calls: number) =>
  `{
    const files = FileSystemSyncAccessHandle.prototype;
    const original = files.${method};
    let left = ${calls};
    files.${method} = function (...parts) {
      left -= 1;
      if (left < 0) throw new DOMException('injected', '${problem}');
      return Reflect.apply(original, this, parts);
    };
  }`;

describe('a kernel whose storage fails', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(`E(kernel).launch(${LEDGER}).then(() => {})`);
  });
  afterAll(() => extension.close());

  const failures = [
    ['a full disk', faultOf('write', 'QuotaExceededError', 0)],
    [
      'a disk that fills up amid a commit',
      faultOf('write', 'QuotaExceededError', 3),
    ],
    ['a disk that fills up later', faultOf('write', 'QuotaExceededError', 40)],
    ['a disk that can not be synced', faultOf('flush', 'InvalidStateError', 0)],
    [
      'a disk that can not be synced any more',
      faultOf('flush', 'InvalidStateError', 5),
    ],
  ] as const;

  it.each(failures)(
    'by %s rests and says so; nothing was acknowledged that is not stored; started from the panel, it goes on',
    async (what, fault) => {
      const lanes = (['book', 'relay'] as const).map(vat =>
        makeLane(`${what}, ${vat}`, vat),
      );
      for (const lane of lanes) {
        expect(await lane.send(extension, 5)).toBe(5);
      }
      const panel = await extension.openPopup();
      await panel.getByText('running').first().waitFor();
      await extension.devtools.inWorkersOf('/offscreen.html', fault);
      await Promise.all(
        lanes.map(async lane => {
          while ((await lane.send(extension, 5).catch(() => 0)) === 5);
        }),
      );

      await panel.getByText('storage failed', { exact: true }).waitFor();
      await panel
        .getByText(/disk I\/O error|database or disk is full/)
        .first()
        .waitFor();
      expect(await panel.getByText('Your clusters show here').count()).toBe(1);
      const { uncaught } = await type(extension, `await E(kernel).status()`);
      expect(uncaught?.description).toMatch(/storage-failed/);

      const start = panel.getByRole('button', { name: 'Start the kernel' });
      await start.focus();
      await panel.keyboard.press('Enter');
      await panel
        .getByText('storage failed', { exact: true })
        .waitFor({ state: 'detached' });
      await panel.getByText('running', { exact: true }).first().waitFor();
      await panel.close();
      for (const lane of lanes) {
        expect(await lane.send(extension, 5)).toBe(5);
      }
      const book = await readBook(extension);
      expect(lanes.flatMap(({ audit }) => audit(book))).toEqual([]);
    },
  );
});
