import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';
import { STANDING_WORKERS, whenWorkers, whenWorkersAre } from './workers.ts';

describe('the worker that stands ready', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterAll(() => extension.close());

  const increment = () =>
    extension.inConsole<number>(`E(E(kernel).root('counter')).increment()`);

  it('becomes the next vat, and another stands ready after it', async () => {
    const before = await whenWorkers(extension, STANDING_WORKERS);
    await extension.inConsole(
      `E(kernel).launch(${sampleConfig('counter')}).then(() => {})`,
    );
    const during = await whenWorkers(extension, STANDING_WORKERS + 1);
    expect(during).toEqual(expect.arrayContaining([...before]));
    expect(await increment()).toBe(1);
  });

  it('ends with the vat that it became', async () => {
    const before = await whenWorkers(extension, STANDING_WORKERS + 1);
    await extension.inConsole(`(async () => {
      await E(kernel).launch({ ...${sampleConfig('counter')}, name: 'brief' });
      await E(kernel).terminate('brief');
    })()`);
    const after = await whenWorkersAre(
      extension,
      ids =>
        ids.length === STANDING_WORKERS + 1 &&
        ids.some(id => !before.includes(id)),
    );
    // The kernel's and the counter's are still there, the one that stood ready is not.
    expect(after.filter(id => before.includes(id))).toHaveLength(2);
  });

  it('is never one that was a vat', async () => {
    const before = await whenWorkers(extension, STANDING_WORKERS + 1);
    // Its worker ends, and it starts again in the one that stood ready.
    await extension.inConsole(`E(kernel).restart('counter').then(() => {})`);
    expect(await increment()).toBe(2);
    const after = await whenWorkersAre(
      extension,
      ids =>
        ids.length === STANDING_WORKERS + 1 &&
        ids.some(id => !before.includes(id)),
    );
    expect(after.filter(id => before.includes(id))).toHaveLength(2);
  });

  it('goes with the process of all vats, and one stands ready in the next', async () => {
    const before = await whenWorkers(extension, STANDING_WORKERS + 1);
    await extension.killSandboxProcess();
    expect(await increment()).toBe(3);
    const after = await whenWorkers(extension, STANDING_WORKERS + 1);
    // Only the kernel's is the same.
    expect(after.filter(id => before.includes(id))).toHaveLength(1);
  });
});
