/**
 * `pnpm bundle path/to/vat.ts [-o out.json]`: bundles a vat, checks the bundle
 * by evaluating it under lockdown, and says what is in it. Without `-o` nothing
 * is written.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BundleProblem } from './bundle/bundle-problem.mjs';
import { bundleVat } from './bundle/bundle-vat.mjs';
import { checkBundle } from './bundle/check-bundle.mjs';

const USAGE = 'usage: pnpm bundle path/to/vat.ts [-o out.json]';

/** @param {number} bytes */
const kilobytes = bytes => `${(bytes / 1000).toFixed(1)} kB`;

/** @param {readonly string[]} names */
const list = names => names.join(', ') || 'none';

const readArguments = () => {
  try {
    const { values, positionals } = parseArgs({
      args: process.argv.slice(2).filter(each => each !== '--'),
      options: { output: { type: 'string', short: 'o' } },
      allowPositionals: true,
    });
    const [path, ...more] = positionals;
    if (path !== undefined && more.length === 0) {
      return { path, output: values.output };
    }
  } catch (error) {
    throw new BundleProblem(
      `${error instanceof Error ? error.message : error}\n${USAGE}`,
    );
  }
  throw new BundleProblem(USAGE);
};

const main = async () => {
  const { path, output } = readArguments();
  const bundle = await bundleVat(path);
  const { warnings } = await checkBundle(bundle);
  if (output !== undefined) {
    writeFileSync(output, bundle.text);
  }
  const lines = [
    `${bundle.name}: evaluates under lockdown and has buildRootObject`,
    `  size     ${kilobytes(bundle.size)}, gzipped ${kilobytes(bundle.gzip)}`,
    `  sha-512  ${bundle.hash}`,
    `  imports  ${list(bundle.imports)}`,
    `  globals  ${list(bundle.globals.map(each => each.name))}`,
    ...warnings.map(warning => `  warning  ${warning}`),
    output === undefined
      ? '  not written: name a file with -o'
      : `  written  ${output}`,
  ];
  console.log(lines.join('\n'));
};

try {
  await main();
} catch (error) {
  if (!(error instanceof BundleProblem)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
