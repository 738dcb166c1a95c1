// @ts-check
/**
 * What `npm start` and `npm test` share: install what is missing, build what is
 * stale, run a step. Plain Node: nothing is installed when this is loaded.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Where stamps and reports go; git ignores it. */
export const cache = join(root, '.cache');

/** The built extension. */
export const extensionDir = join(root, 'packages', 'extension', 'dist');

const windows = process.platform === 'win32';

/** A step that failed: its exit code is the process's. */
export class StepError extends Error {
  /** @param {string} command @param {number} exitCode */
  constructor(command, exitCode) {
    super(`"${command}" ended with exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program of npm's in the repository, its output shown, no input.
 * @param {string} program
 * @param {string[]} args
 * @throws {StepError} unless it exits with 0
 */
export const run = (program, args) => {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    // npm's programs are .cmd files there, which only a shell starts.
    shell: windows,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' },
  });
  if (error) {
    throw error;
  }
  if (status !== 0) {
    throw new StepError([program, ...args].join(' '), status ?? 1);
  }
};

const checkNode = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw Error(
      `Node ${process.versions.node} is too old: install Node 20.19 or newer.`,
    );
  }
};

const pnpmVersion = () => {
  const { packageManager } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  return packageManager.replace(/^pnpm@/, '').replace(/\+.*$/, '');
};

const isPnpmHere = (/** @type {string} */ version) => {
  const { status, stdout } = spawnSync('pnpm', ['--version'], {
    // Elsewhere than in the project, where pnpm would fetch the version that it asks for.
    cwd: join(root, '..'),
    shell: windows,
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    env: { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' },
  });
  const major = version.split('.')[0];
  return status === 0 && stdout.trim().split('.')[0] === major;
};

/**
 * Runs pnpm, by npx where it is absent or of another major version.
 * @param {string[]} args
 */
export const pnpm = args => {
  const version = pnpmVersion();
  if (isPnpmHere(version)) {
    run('pnpm', args);
  } else {
    run('npx', ['--yes', `pnpm@${version}`, ...args]);
  }
};

/** @param {string} path @returns {string[]} */
const filesUnder = path => {
  const found = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const full = join(path, entry.name);
    if (entry.isDirectory()) {
      if (!['node_modules', 'dist', 'e2e'].includes(entry.name)) {
        found.push(...filesUnder(full));
      }
    } else if (entry.isFile() && !/\.test\.[a-z]+$/.test(entry.name)) {
      found.push(full);
    }
  }
  return found.sort();
};

/** @param {string[]} files */
const hashOf = files => {
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = readFileSync(file);
    hash.update(
      `${relative(root, file).split(sep).join('/')} ${bytes.length}\n`,
    );
    hash.update(bytes);
  }
  return hash.digest('hex');
};

const installKey = () => {
  const manifests = ['packages/', '']
    .flatMap(folder =>
      readdirSync(join(root, folder), { withFileTypes: true })
        .filter(entry => entry.isDirectory())
        .map(entry => join(root, folder, entry.name, 'package.json')),
    )
    .filter(path => !path.includes('node_modules') && existsSync(path));
  return hashOf([
    join(root, 'package.json'),
    join(root, 'pnpm-lock.yaml'),
    join(root, 'pnpm-workspace.yaml'),
    ...manifests.sort(),
  ]);
};

const buildKey = () =>
  hashOf([
    join(root, 'pnpm-lock.yaml'),
    join(root, 'package.json'),
    join(root, 'tsconfig.base.json'),
    ...['packages', 'vats', 'scripts'].flatMap(folder =>
      filesUnder(join(root, folder)),
    ),
  ]);

const stampPath = (/** @type {string} */ name) => join(cache, `${name}.stamp`);

/** @param {string} name @param {string} key */
const isStamped = (name, key) =>
  existsSync(stampPath(name)) && readFileSync(stampPath(name), 'utf8') === key;

/** @param {string} name @param {string} key */
const stamp = (name, key) => {
  mkdirSync(cache, { recursive: true });
  writeFileSync(stampPath(name), key);
};

/** Installs the dependencies of the lock file, unless they are there already. */
export const provideDependencies = () => {
  checkNode();
  const key = `${installKey()} ${process.platform}-${process.arch}`;
  const isInstalled = existsSync(join(root, 'node_modules', '.modules.yaml'));
  if (isInstalled && isStamped('install', key)) {
    return;
  }
  // A folder that was installed from another store is made anew, unasked: there
  // is no one to ask.
  pnpm(['install', '--frozen-lockfile', '--config.confirmModulesPurge=false']);
  stamp('install', key);
};

/** Builds the extension. */
export const build = () => {
  rmSync(stampPath('build'), { force: true });
  run('npm', ['--prefix', 'packages/extension', 'run', '--silent', 'build']);
  stamp('build', buildKey());
};

/** Builds the extension, unless what was built from these sources is there. */
export const provideBuild = () => {
  const isBuilt = existsSync(join(extensionDir, 'manifest.json'));
  if (!isBuilt || !isStamped('build', buildKey())) {
    build();
  }
};

/** The built command line. */
export const commandPath = join(
  root,
  'packages',
  'cli',
  'dist',
  'cooperage.mjs',
);

/** Builds the command line, unless what was built from these sources is there. */
export const provideCommand = () => {
  const key = buildKey();
  if (!existsSync(commandPath) || !isStamped('command', key)) {
    run('npm', ['--prefix', 'packages/cli', 'run', '--silent', 'build']);
    stamp('command', key);
  }
};

/** @param {number} since a time of `performance.now()` */
export const secondsSince = since =>
  `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Ends the process with the failure's exit code, after one line with its cause.
 * @param {unknown} reason
 */
export const fail = reason => {
  console.error(`\n${reason instanceof Error ? reason.message : reason}`);
  process.exit(reason instanceof StepError ? reason.exitCode : 1);
};
