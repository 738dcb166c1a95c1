// @ts-check
/**
 * Finds a Chromium (or Chrome) on this machine, or says what to install.
 * Plain Node: it runs before anything is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';

const ON_PATH = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];

const MAC_APPS = [
  'Chromium.app/Contents/MacOS/Chromium',
  'Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
  'Google Chrome.app/Contents/MacOS/Google Chrome',
];

const WINDOWS_APPS = [
  'Chromium\\Application\\chrome.exe',
  'Google\\Chrome\\Application\\chrome.exe',
];

const HOW = new Map([
  [
    'linux',
    'Install Chromium with the package manager of your system (Debian: apt-get install chromium; Fedora: dnf install chromium; Arch: pacman -S chromium)',
  ],
  [
    'darwin',
    'Install Chromium (brew install --cask chromium) or Google Chrome',
  ],
  [
    'win32',
    'Install Chromium (winget install Hibbiki.Chromium) or Google Chrome (winget install Google.Chrome)',
  ],
]);

const places = () => {
  const { HOME = '', LOCALAPPDATA = '', PATH = '' } = process.env;
  if (process.platform === 'darwin') {
    return ['/Applications', join(HOME, 'Applications')].flatMap(folder =>
      MAC_APPS.map(app => join(folder, app)),
    );
  }
  if (process.platform === 'win32') {
    const { ProgramFiles = '', 'ProgramFiles(x86)': programs86 = '' } =
      process.env;
    return [LOCALAPPDATA, ProgramFiles, programs86]
      .filter(Boolean)
      .flatMap(folder => WINDOWS_APPS.map(app => join(folder, app)));
  }
  const folders = [...PATH.split(delimiter), '/usr/bin', '/usr/local/bin'];
  return ON_PATH.flatMap(name =>
    folders.filter(Boolean).map(folder => join(folder, name)),
  );
};

const sentence = () =>
  `No Chromium was found. ${HOW.get(process.platform) ?? HOW.get('linux')}, or set CHROMIUM_PATH to the program's path, and run this again.`;

/**
 * The path of a Chromium program, or undefined when there is none.
 * `CHROMIUM_PATH` goes before every other place; if it names no file, throws.
 */
export const findChromium = () => {
  const chosen = process.env['CHROMIUM_PATH'];
  if (chosen) {
    if (!existsSync(chosen)) {
      throw Error(`CHROMIUM_PATH names no file: ${chosen}`);
    }
    return chosen;
  }
  return places().find(existsSync);
};

/** As findChromium, but throws an error that says what to install. */
export const requireChromium = () => {
  const path = findChromium();
  if (path === undefined) {
    throw Error(sentence());
  }
  return path;
};

/** Chrome with Google's brand ignores `--load-extension` (since version 137). */
export const isBrandedChrome = (/** @type {string} */ path) => {
  if (process.platform === 'linux') {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
    return /^Google Chrome(?! for Testing)/.test(stdout ?? '');
  }
  return /Google[ \\/]Chrome(?! for Testing)/.test(path);
};

const isDebianRoot = () =>
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  existsSync('/etc/os-release') &&
  /^ID=["']?debian["']?$/m.test(readFileSync('/etc/os-release', 'utf8'));

const installOnDebian = () => {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update'],
    ['install', '-y', '--no-install-recommends', 'chromium'],
  ]) {
    console.log(`$ apt-get ${args.join(' ')}`);
    execFileSync('apt-get', args, {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }
};

/**
 * The path of a Chromium program; on Debian as root it is installed when absent.
 * Otherwise throws an error that says what to install.
 */
export const provideChromium = () => {
  const found = findChromium();
  if (found !== undefined) {
    return found;
  }
  if (isDebianRoot()) {
    try {
      installOnDebian();
    } catch (reason) {
      throw Error(`apt-get could not install Chromium. ${sentence()}`, {
        cause: reason,
      });
    }
  }
  return requireChromium();
};
