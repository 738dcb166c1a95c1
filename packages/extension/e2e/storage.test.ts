import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { LEDGER, makeLane, readBook } from './ledger.ts';

/** Where a file of the pool begins, behind its name and what the pool knows of it. */
const POOL_HEADER = 4096;
const PAGE = 4096;
/** Where SQLite keeps the version of a schema, in the first page. */
const VERSION_AT = 60;

/** The files of a profile that hold a stored file of that name. */
const findStored = (profile: string, name: string): string[] =>
  readdirSync(profile, { recursive: true, encoding: 'utf8' })
    .map(path => join(profile, path))
    .filter(path => path.includes('File System') && statSync(path).isFile())
    .filter(path => {
      const head = readFileSync(path).subarray(0, 512).toString('latin1');
      return head.startsWith(`/${name}\0`);
    });

/** Changes a stored file of a browser that is no more. */
const changeFile = (
  profile: string,
  name: string,
  change: (bytes: Buffer) => void,
): void => {
  const files = findStored(profile, name);
  expect(files).toHaveLength(1);
  for (const path of files) {
    const bytes = readFileSync(path);
    expect(bytes.length).toBeGreaterThan(POOL_HEADER + PAGE);
    change(bytes);
    writeFileSync(path, bytes);
  }
};

/** The same of the kernel's file; takes its log away. */
const changeKernelFile = (
  profile: string,
  change: (bytes: Buffer) => void,
): void => {
  changeFile(profile, 'kernel.sqlite', change);
  for (const path of findStored(profile, 'kernel.sqlite-wal')) {
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0, POOL_HEADER));
  }
};

describe('what is stored', () => {
  const profile = makeProfile();
  const saved = join(profile.path, 'saved.cooperage');
  const lane = makeLane('lane', 'relay');
  let extension: Extension;
  let first: readonly string[];
  const start = async (): Promise<void> => {
    extension = await startExtension({ profile: profile.path });
  };
  beforeAll(async () => {
    await start();
    await extension.inConsole(`E(kernel).launch(${LEDGER}).then(() => {})`);
  });
  afterAll(async () => {
    await extension.close();
    profile.dispose();
  });

  const openBackups = async (): Promise<Page> => {
    const panel = await extension.openPopup();
    await panel.getByText('Back up or restore…').click();
    return panel;
  };
  const save = async (panel: Page, path: string): Promise<void> => {
    const download = panel.waitForEvent('download');
    const button = panel.getByRole('button', { name: 'Save a backup' });
    await button.focus();
    await panel.keyboard.press('Enter');
    await (await download).saveAs(path);
    await panel.getByText(/\.cooperage: \d+ files?, /).waitFor();
  };
  const restore = async (panel: Page, path: string): Promise<void> => {
    await panel.getByLabel('A backup to restore').setInputFiles(path);
    await panel.getByRole('button', { name: 'Restore the backup' }).click();
    await panel.getByRole('button', { name: 'Restore', exact: true }).click();
  };
  const whenRestored = async (panel: Page): Promise<void> => {
    await panel.getByText(/is restored$/).waitFor({ state: 'attached' });
    await panel.getByText('running', { exact: true }).first().waitFor();
  };

  it('is saved from the panel as one file, and restored from it', async () => {
    await lane.send(extension, 5);
    first = await readBook(extension);
    expect(first).toHaveLength(5);
    const panel = await openBackups();
    await save(panel, saved);
    await lane.send(extension, 5);
    expect(await readBook(extension)).toHaveLength(10);

    await restore(panel, saved);
    await whenRestored(panel);
    expect(await readBook(extension)).toEqual(first);
    expect(await lane.send(extension, 1)).toBe(1);
    await panel.close();
  });

  it('stays as it is when the file is no backup, or a spoiled one', async () => {
    const before = await readBook(extension);
    const panel = await openBackups();
    const bytes = readFileSync(saved);
    const spoiled = join(profile.path, 'spoiled.cooperage');
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(spoiled, bytes);
    await restore(panel, spoiled);
    await panel
      .getByText(/its file .+ is damaged/)
      .first()
      .waitFor();
    const other = join(profile.path, 'other.cooperage');
    writeFileSync(other, 'nothing of ours');
    await restore(panel, other);
    await panel
      .getByText(/it is not a backup of Cooperage/)
      .first()
      .waitFor();
    expect(await readBook(extension)).toEqual(before);
    await panel.close();
  });

  it('stays as it is when a restoration was cut short', async () => {
    const before = await readBook(extension);
    await extension.inOffscreen(
      `navigator.storage.getDirectory()
        .then(root => root.getDirectoryHandle('cooperage-99', { create: true }))
        .then(() => {})`,
    );
    await extension.killBrowser();
    await start();
    expect(await readBook(extension)).toEqual(before);
    const names = await extension.inOffscreen(
      `navigator.storage.getDirectory().then(root => Array.fromAsync(root.keys()))`,
    );
    expect(names).not.toContain('cooperage-99');
  });

  it('is looked through when a person asks; a damaged file of a vat is told of, and the other vats run', async () => {
    const panel = await openBackups();
    await save(panel, join(profile.path, 'whole.cooperage'));
    const look = async (page: Page): Promise<void> => {
      const button = page.getByRole('button', { name: 'Look for damage' });
      await button.focus();
      await page.keyboard.press('Enter');
    };
    await look(panel);
    await panel.getByText(/files \([\d,]+ bytes\) looked through/).waitFor();
    const before = await readBook(extension);
    await panel.getByText(/^written by cooperage .*, liveslots /).waitFor();
    const relay = await extension.inConsole<string>(
      `E(kernel).clusters().then(([{ vats }]) => vats.find(({ name }) => name === 'relay').id)`,
    );
    await extension.killBrowser();
    changeFile(profile.path, `vat-${relay}.sqlite`, bytes =>
      bytes.fill(0, POOL_HEADER + PAGE),
    );
    await start();
    expect(await readBook(extension)).toEqual(before);
    const again = await openBackups();
    await look(again);
    await again
      .getByText(/ledger\.relay \(v\d+\): .* is damaged/)
      .first()
      .waitFor();
    expect(await lane.send(extension, 1).catch(() => 0)).toBe(0);
    await again.getByText('failed', { exact: true }).first().waitFor();
    await restore(again, saved);
    await whenRestored(again);
    expect(await readBook(extension)).toEqual(first);
    await again.close();
  });

  it('makes the kernel rest when it is damaged; it can be saved all the same, and a backup restored', async () => {
    const panel = await openBackups();
    await save(panel, join(profile.path, 'checked.cooperage')); // merges the log
    await extension.killBrowser();
    changeKernelFile(profile.path, bytes => bytes.fill(0, POOL_HEADER + PAGE));
    await start();
    const again = await openBackups();
    await again.getByText('storage failed', { exact: true }).waitFor();
    await again
      .getByText(/damaged/)
      .first()
      .waitFor();

    const rescued = join(profile.path, 'rescued.cooperage');
    await save(again, rescued);
    await restore(again, rescued);
    await again
      .getByText(/The backup can't be used/)
      .first()
      .waitFor();
    await restore(again, saved);
    await whenRestored(again);
    expect(await readBook(extension)).toEqual(first);
    await again.close();
  });

  it('makes the kernel rest when a newer Cooperage has written it, and can be erased then', async () => {
    const panel = await openBackups();
    await save(panel, join(profile.path, 'older.cooperage'));
    await extension.killBrowser();
    changeKernelFile(profile.path, bytes => {
      bytes.writeUInt32BE(99, POOL_HEADER + VERSION_AT);
    });
    await start();
    const again = await extension.openPopup();
    await again.getByText('storage failed', { exact: true }).waitFor();
    await again
      .getByText(/version 99/)
      .first()
      .waitFor();
    await again.getByText('Erase everything…').click();
    await again.getByLabel('Type erase to allow it').fill('erase');
    await again.getByRole('button', { name: 'Erase everything' }).click();
    await again.getByText('Nothing runs here yet.').waitFor();
    expect(
      await extension.inConsole(`E(kernel).clusters().then(all => all.length)`),
    ).toBe(0);
  });
});
