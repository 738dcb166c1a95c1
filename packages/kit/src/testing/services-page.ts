/**
 * The samples of docs/services.md. To be imported before lockdown, for the vat
 * among them is bundled here.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleVat } from '../../../../scripts/bundle/bundle-vat.mjs';
import { provideNodeVatText } from '../node-vat-text.ts';

const page = await readFile(
  new URL('../../../../docs/services.md', import.meta.url),
  'utf8',
);
const blocksOf = (language: string): string[] =>
  [
    ...page.matchAll(
      new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'),
    ),
  ].map(([, block = '']) => block.trimEnd());

const bundle = async (source: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'cooperage-page-'));
  try {
    const path = join(folder, 'keeper.js');
    await writeFile(path, source);
    return (await bundleVat(path)).text;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** What a person types, and the value that stands in the comment at its end, if one does. */
const readSample = (block: string) => {
  const lines = block.split('\n');
  const end = lines.findLastIndex(line => !line.startsWith('//')) + 1;
  const code = lines.slice(0, end);
  // A statement begins where the line before ended one.
  const last = code.findLastIndex(
    (line, at) =>
      /^\S/.test(line) && (at === 0 || /;$/.test(code[at - 1] ?? '')),
  );
  return {
    before: code.slice(0, last).join('\n'),
    last: code.slice(last).join('\n').replace(/;$/, ''),
    literal: lines
      .slice(end)
      .map(line => line.slice(2))
      .join('\n'),
  };
};

const [config = '{}', ...furtherConfigs] = blocksOf('json');
const [vat = '', ...blocks] = blocksOf('js');
if (furtherConfigs.length > 0) {
  throw Error('docs/services.md has one config, and the test runs that');
}
const [keeperText] = await Promise.all([bundle(vat), provideNodeVatText()]);

export const CONFIG: { vats: Record<string, { bundle: object }> } =
  JSON.parse(config);
/** The bundle of the sample's one vat. */
export const KEEPER = { text: keeperText };
export const SAMPLES = blocks.map(readSample);
