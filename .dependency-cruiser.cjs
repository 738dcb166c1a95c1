/**
 * The floor plan of ARCHITECTURE.md, section 2, as rules. Type imports count.
 * A package may import the packages that stand beside its name, and nothing
 * else of ours; adapters and tests are exempt from nothing here.
 */
const below = {
  streams: [],
  protocol: ['streams'],
  kernel: ['streams', 'protocol'],
  'vat-supervisor': ['streams', 'protocol'],
  client: ['streams', 'protocol'],
};
below.node = ['streams', 'protocol', 'kernel', 'vat-supervisor'];
const platform = Object.keys(below);
for (const name of ['kit', 'services']) {
  below[name] = platform;
}
for (const name of ['extension', 'cli']) {
  below[name] = [...platform, 'kit', 'services'];
}

const TEST = '[.]test[.][cm]?tsx?$|-suite[.]ts$|/test/|/testing/|/e2e/';
const LOCKED = 'node_modules/(@endo/|@agoric/|ses/)';
const NOT_PROMISE_KIT = 'node_modules/(@endo/(?!promise-kit/)|@agoric/|ses/)';

const floors = Object.entries(below).map(([name, allowed]) => ({
  name: `floor-${name}`,
  comment: `${name} may import of ours only: ${allowed.join(', ') || 'nothing'}.`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: {
    path: '^(packages|vats)/',
    pathNot: `^packages/(${[name, ...allowed].join('|')})/`,
  },
}));

module.exports = {
  forbidden: [
    ...floors,
    {
      name: 'known-package',
      comment: 'A new package gets its floor in this file first.',
      severity: 'error',
      from: {
        path: '^packages/',
        pathNot: `^packages/(${Object.keys(below).join('|')})/`,
      },
      to: {},
    },
    {
      name: 'no-cycle',
      comment: 'No file may reach itself, by types either.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'package-door',
      comment:
        'Another package is entered as @cooperage/<name>, never by a path into its folder.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: {
        path: '^packages/',
        pathNot: '^packages/$1/',
        dependencyTypes: ['local'],
      },
    },
    {
      name: 'vats-stand-alone',
      comment:
        'A sample vat takes nothing of ours: what it needs, its supervisor gives it.',
      severity: 'error',
      from: { path: '^vats/', pathNot: TEST },
      to: { path: '^packages/' },
    },
    {
      name: 'no-endo-below',
      comment:
        'streams and protocol are used by the unlocked panel too: of Endo only @endo/promise-kit.',
      severity: 'error',
      from: { path: '^packages/(streams|protocol)/', pathNot: TEST },
      to: { path: NOT_PROMISE_KIT },
    },
    {
      name: 'panel-own',
      comment:
        'The panel imports of ours only protocol and streams, itself, its way to the kernel, how much is read of a server, and where it finds backups.',
      severity: 'error',
      from: { path: '^packages/extension/src/panel/', pathNot: TEST },
      to: {
        path: '^(packages|vats)/',
        pathNot:
          '^packages/(extension/src/(panel/|(ports|read-bounded|storage-words)[.]ts$)|protocol/|streams/)',
      },
    },
    {
      name: 'panel-endo',
      comment: 'The panel imports no Endo package.',
      severity: 'error',
      from: { path: '^packages/extension/src/panel/', pathNot: TEST },
      to: { path: LOCKED },
    },
    {
      name: 'panel-endo-reachable',
      comment: 'Nor does it reach one, but what streams brings.',
      severity: 'error',
      from: { path: '^packages/extension/src/panel/', pathNot: TEST },
      to: { path: NOT_PROMISE_KIT, reachable: true },
    },
    {
      name: 'kernel-evaluates-nothing',
      comment: 'Invariant 3: the kernel realm never evaluates vat code.',
      severity: 'error',
      from: { path: '^packages/kernel/', pathNot: TEST },
      to: {
        path: 'node_modules/(@agoric/|@endo/(import-bundle|module-source|compartment-mapper|bundle-source)/)',
      },
    },
    {
      name: 'sqlite-behind-its-port',
      comment: 'SQLite is a platform service: adapters alone name it.',
      severity: 'error',
      from: {
        path: '^packages/',
        pathNot: `^packages/(kernel/src/adapters|node|extension)/|${TEST}`,
      },
      to: {
        path: 'node_modules/(@sqlite[.]org|better-sqlite3|node-sqlite3-wasm)/',
      },
    },
    {
      name: 'no-node-in-pure',
      comment:
        'Pure packages run in a browser worker: the platform comes in as a port.',
      severity: 'error',
      from: {
        path: '^(packages/(streams|protocol|kernel|vat-supervisor|client|services|extension)/src|vats)/',
        pathNot: TEST,
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-tool-in-source',
      comment:
        'What only the workspace lists is a tool: tests and builds use it.',
      severity: 'error',
      from: {
        path: '^packages/[^/]+/src/',
        pathNot: `^packages/kit/|${TEST}`,
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-test-from-source',
      severity: 'error',
      from: { pathNot: TEST },
      to: { path: '[.]test[.][cm]?tsx?$' },
    },
    {
      name: 'listed-dependency',
      comment: "A package is named in the importer's package.json.",
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    combinedDependencies: true,
    doNotFollow: { path: 'node_modules' },
    // Only our own: what a library exports often lies in its dist too.
    exclude: { path: '^(packages/[^/]+|vats)/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
      extensions: [
        '.ts',
        '.tsx',
        '.mts',
        '.mjs',
        '.js',
        '.cjs',
        '.json',
        '.d.ts',
      ],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
