// @ts-check
/**
 * Checks what the documents promise: every relative link leads somewhere, its
 * anchor too, and every command in a README's ```sh block runs.
 */
import { execSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { root } from './setup.mjs';

/** Commands that continuous integration is, or that a step of `npm test` runs. */
const RUN_ELSEWHERE = new Set([
  'npm start',
  'npm test',
  ...'format lint types walls unit build size docs e2e'
    .split(' ')
    .map(name => `npm run ${name}`),
]);

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.cache', '.profile']);

/** @param {string} folder @returns {string[]} */
const documentsUnder = folder =>
  readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return SKIPPED.has(entry.name) ? [] : documentsUnder(path);
    }
    return entry.name.endsWith('.md') ? [path] : [];
  });

const FENCE = /^(```+|~~~+)[^\n]*\n[\s\S]*?^\1\s*$/gm;

/** @param {string} text the Markdown without its code */
const withoutCode = text =>
  text.replace(FENCE, '').replace(/(`+)[^`\n]*?\1/g, '');

/**
 * Anchors as the usual renderers make them from headings.
 * @param {string} text
 */
const anchorsOf = text => {
  /** @type {Map<string, number>} */
  const seen = new Map();
  const anchors = new Set(
    [...text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)].map(found => found[1]),
  );
  for (const [, heading = ''] of text
    .replace(FENCE, '')
    .matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const slug = heading
      .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    anchors.add(times === 0 ? slug : `${slug}-${times}`);
  }
  return anchors;
};

/** @param {string} text */
const linksOf = text => {
  const prose = withoutCode(text);
  return [
    ...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g),
    ...prose.matchAll(/^\s*\[[^\]]+\]:\s*<?(\S+?)>?(?:\s+"[^"]*")?\s*$/gm),
    ...prose.matchAll(/<(?:img|a|source)\b[^>]*\b(?:src|href)="([^"]+)"/g),
  ].map(found => found[1] ?? '');
};

/** What is wrong with a link, or undefined. @param {string} from @param {string} link */
const faultOf = (from, link) => {
  if (/^([a-z][a-z+.-]*:|\/\/)/i.test(link)) {
    return undefined;
  }
  const [path = '', anchor] = decodeURI(link).split('#');
  const target = path === '' ? from : join(dirname(from), path);
  if (path.startsWith('/') || !existsSync(target)) {
    return 'leads nowhere';
  }
  if (anchor === undefined || !target.endsWith('.md')) {
    return undefined;
  }
  const isThere =
    statSync(target).isFile() &&
    anchorsOf(readFileSync(target, 'utf8')).has(anchor);
  return isThere ? undefined : 'has no such anchor';
};

/** @param {string} text */
const commandsOf = text =>
  [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(found =>
    (found[1] ?? '')
      .replace(/\\\n/g, ' ')
      .split('\n')
      .map(line => line.replace(/(^|\s)#.*$/, '').trim())
      .filter(Boolean),
  );

const documents = documentsUnder(root);
/** @type {string[]} */
const faults = [];
let links = 0;
for (const path of documents) {
  for (const link of linksOf(readFileSync(path, 'utf8'))) {
    links += 1;
    const fault = faultOf(path, link);
    if (fault) {
      faults.push(`${relative(root, path)}: the link ${link} ${fault}`);
    }
  }
}

const commands = documents
  .filter(path => path.endsWith('README.md'))
  .flatMap(path =>
    commandsOf(readFileSync(path, 'utf8')).map(command => ({ path, command })),
  );
for (const { path, command } of commands) {
  if (!RUN_ELSEWHERE.has(command)) {
    console.log(`$ ${command}`);
    try {
      execSync(command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    } catch {
      faults.push(`${relative(root, path)}: the command "${command}" fails`);
    }
  }
}

console.log(
  `${documents.length} documents, ${links} links, ${commands.length} commands, ${faults.length} faults`,
);
if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
