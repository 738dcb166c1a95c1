import { STORE_WRITERS } from '@cooperage/protocol';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const versionIn = (folder: string): unknown =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version;

/** Its package lets nobody import its package.json. */
const liveslots = join(
  dirname(createRequire(import.meta.url).resolve('@agoric/swingset-liveslots')),
  '..',
);

it('the versions that are noted with what is stored are those of the code that writes it', () => {
  expect(STORE_WRITERS).toEqual({
    cooperage: versionIn(fileURLToPath(new URL('../../..', import.meta.url))),
    liveslots: versionIn(liveslots),
  });
});
