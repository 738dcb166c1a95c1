// @ts-check
/**
 * The parts of the kernel's source that `mutation.mjs` breaks, one by one.
 *
 * @typedef {{
 *   readonly name: string,
 *   readonly files: readonly string[],
 *   readonly tests: readonly string[],
 *   readonly more: readonly string[],
 * }} Part
 */

/**
 * What is broken, the tests that run against it, as few and as fast as notice
 * most of it, and those that run against what these let live. Every file is in one part.
 *
 * @type {readonly Part[]}
 */
export const PARTS = [
  {
    name: 'what',
    files: ['gc/{actions,cycles,refcounts,worklist}'],
    tests: ['gc/{actions,cycles,refcounts}', 'promises', 'model'],
    more: ['gc/{chores,worklist}', 'pairs'],
  },
  {
    name: 'when',
    files: ['gc/{chores,collection,collector,dirt}'],
    tests: ['gc/{actions,collection,dirt}'],
    more: ['gc/{chores,worklist}'],
  },
  {
    name: 'promises',
    files: ['promises'],
    tests: ['promises'],
    more: ['endings', 'limits', 'pairs'],
  },
  {
    name: 'crank',
    files: ['crank'],
    tests: ['crank', 'gc/actions', 'translate/to-endpoint'],
    more: ['endings'],
  },
  {
    name: 'names',
    files: ['clist', 'session-names', 'syscalls'],
    tests: ['crank', 'promises', 'session-names', 'gc/actions'],
    more: ['crossing', 'pairs', 'sessions', 'translate/to-endpoint'],
  },
  {
    name: 'translate',
    files: ['translate/*'],
    tests: ['translate/*'],
    more: [],
  },
  {
    name: 'store',
    files: ['store/*'],
    tests: ['store/*'],
    more: ['limits', 'services/{vat-admin-quotas,timer}'],
  },
  {
    name: 'sessions',
    files: ['sessions'],
    tests: ['sessions'],
    more: ['session-names', 'pairs'],
  },
  {
    name: 'limits',
    files: ['bounds', 'usage', 'refusals', 'refusal-news', 'log-rate'],
    tests: ['bounds', 'usage', 'refusals', 'refusal-news', 'log-rate'],
    more: [],
  },
  {
    name: 'lives',
    files: ['lives', 'obituaries', 'clearance', 'endings'],
    tests: ['obituaries', 'losses', 'endings'],
    more: ['suspension', 'vat-orders'],
  },
  {
    name: 'runner',
    files: ['vats/{runner,abandonment,deadline,trials,turns,worker}'],
    tests: [
      'suspension',
      'vats/{abandonment,deadline,runner,trials,turns,worker}',
    ],
    more: ['upgrades', 'pairs', 'endings'],
  },
  {
    name: 'pieces',
    files: [
      '{authority,launch-config,launch-course,launch-gate,launch-log}',
      '{phase,places,requests,rest,unread,news-window}',
      '{naming,solitude}',
      'vats/{askers,fair-line,pace,start-line}',
    ],
    tests: [
      '{authority,launch-config,launch-course,launch-gate,launch-log}',
      '{phase,places,requests,rest,unread,news-window}',
      '{naming,solitude}',
      'vats/{fair-line,pace,start-line}',
    ],
    more: [],
  },
  {
    name: 'queues',
    files: [
      'inbox',
      'router',
      'losses',
      'heap-survival',
      'promise-state',
      'bootstraps',
    ],
    tests: ['bootstraps', 'inbox', 'router', 'losses', 'promises', 'crank'],
    more: [],
  },
  {
    name: 'turns',
    files: ['scheduler', 'pausing', 'stopping', 'faults'],
    tests: ['scheduler', 'phase', 'crank', 'faults', 'pausing', 'stopping'],
    more: [],
  },
  {
    name: 'outputs',
    files: ['outputs', 'merging', 'news', 'status', 'announce-end'],
    tests: ['outputs', 'merging', 'news', 'status', 'announce-end'],
    more: ['kernel'],
  },
  {
    name: 'code',
    files: ['room', 'bundles', 'bundle-control', 'kept-bundles'],
    tests: ['room', 'bundle-control', 'kept-bundles'],
    more: ['kernel', 'privileges', 'services/vat-admin'],
  },
  {
    name: 'stores',
    files: ['vat-stores', 'vats/{holds,store-bounds}'],
    tests: ['vat-stores', 'vats/{holds,store-bounds}'],
    more: ['damage', 'limits', 'suspension'],
  },
  {
    name: 'launches',
    files: ['launch', 'gates'],
    tests: ['launch', 'gates'],
    more: [],
  },
  {
    name: 'clusters',
    files: ['clusters', 'endpoints', 'upgrade-order'],
    tests: ['clusters', 'vat-orders'],
    more: ['critical', 'launch'],
  },
  {
    name: 'upgrades',
    files: ['upgrades'],
    tests: ['upgrades'],
    more: [],
  },
  {
    name: 'control',
    files: [
      '{control,archive-control,privilege,note-writers}',
      '{index,kernel,kernel-options,damaged-store,ports,storage-check}',
    ],
    tests: [
      '{kernel,privileges,news,damage,launch,pausing,stopping}',
      '{clusters,control,critical,room,vat-orders}',
      '{archive-control,damaged-store,note-writers,storage-check}',
    ],
    more: ['limits', 'sessions', 'inspect/inspector'],
  },
  {
    name: 'workers',
    files: [
      'vats/{candidates,evictions,workers,start}',
      'vats/{effects,vat-state,worker-owner}',
    ],
    tests: [
      'vats/{candidates,effects,evictions,start,vat-state,workers}',
      'gates',
    ],
    more: ['suspension', 'vat-orders', 'upgrades', 'vats/trials'],
  },
  {
    name: 'fetch',
    files: ['services/{fetch,fetch-bounds,refusal}'],
    tests: ['services/fetch'],
    more: [],
  },
  {
    name: 'values',
    files: ['services/{values,value-text}'],
    tests: ['services/{values,value-text}', 'launch-log'],
    more: ['services/revocation'],
  },
  {
    name: 'timer',
    files: ['services/{timer,revocation,services,service,arguments}'],
    tests: ['services/{services,timer,revocation}'],
    more: [],
  },
  {
    name: 'vat-admin',
    files: ['services/vat-admin{,-births,-children,-ends,-nodes}'],
    tests: ['services/vat-admin{,-authority,-births,-nodes}'],
    more: ['services/vat-admin-{bombs,crash}'],
  },
  {
    name: 'requests',
    files: ['services/vat-admin-{quotas,requests,terms}'],
    tests: ['services/vat-admin-{quotas,requests}'],
    more: ['services/vat-admin-terms'],
  },
  {
    name: 'service-objects',
    files: ['services/{console,holdings,join,objects}'],
    tests: ['services/{console,revocation,services}'],
    more: ['services/{fetch,timer,vat-admin}'],
  },
  {
    name: 'memory',
    files: ['adapters/{columns,memory}'],
    tests: ['adapters/{columns,memory}'],
    more: ['adapters/sqlite-wasm'],
  },
  {
    name: 'backup',
    files: ['adapters/{backup-file,migrations}'],
    tests: ['adapters/{backup-file,migrations}'],
    more: [],
  },
  {
    name: 'sqlite',
    files: [
      'adapters/sqlite-{connection,files,image-files,json,kernel-db,statement,tables,vat-stores}',
    ],
    tests: ['adapters/sqlite-{connection,json,tables,vat-stores}'],
    more: ['adapters/{migrations,sqlite-wasm}'],
  },
  {
    name: 'files',
    files: ['adapters/sqlite-{durable,pool-files,vat-room,wasm}'],
    tests: ['adapters/sqlite-{pool-files,storage}'],
    more: ['../../node/src/{archive,storage,testing/pool-storage}'],
  },
  {
    name: 'holders',
    files: [
      'inspect/{capped,components,growth,holders}',
      'inspect/{mentions,references,why-alive}',
    ],
    tests: ['inspect/{components,growth,holders,mentions}'],
    more: ['inspect/{aliases,inspector}'],
  },
  {
    name: 'inspect',
    files: ['inspect/{cycles,endpoints,inspector,powers}'],
    tests: ['inspect/{aliases,inspector,powers}'],
    more: [],
  },
];

/** Of tests alone. */
const isOfTests = (/** @type {string} */ file) =>
  /(^testing\/|\.test\.ts$|-suite\.ts$)/.test(file);

/** `{a,b}` is either, `*` any text without a slash. @param {string} pattern */
const asRegExp = pattern =>
  new RegExp(
    `^${pattern
      .replace(/[.]/g, '\\.')
      .replace(/[*]/g, '[^/]*')
      .replace(/[{]/g, '(')
      .replace(/[}]/g, ')')
      .replace(/,/g, '|')}[.]ts$`,
  );

/**
 * The files of each part, by its name.
 *
 * @param {readonly Pick<Part, 'name' | 'files'>[]} parts
 * @param {readonly string[]} files all paths below the source
 * @returns {Map<string, string[]>}
 * @throws {Error} when a file of the kernel is in no part or in two, or a part names one that is not there
 */
export const assignFiles = (parts, files) => {
  const sources = files
    .filter(file => file.endsWith('.ts') && !isOfTests(file))
    .sort();
  const problems = [];
  /** @type {Map<string, string>} */
  const partOf = new Map();
  const filesOf = new Map();
  for (const { name, files: patterns } of parts) {
    const own = [];
    for (const pattern of patterns) {
      const found = sources.filter(file => asRegExp(pattern).test(file));
      if (found.length === 0) {
        problems.push(`part ${name} names ${pattern}, which is not there`);
      }
      own.push(...found);
    }
    for (const file of own) {
      const other = partOf.get(file);
      if (other !== undefined) {
        problems.push(`${file} is in two parts: ${other} and ${name}`);
      }
      partOf.set(file, name);
    }
    filesOf.set(name, own);
  }
  for (const file of sources) {
    if (!partOf.has(file)) {
      problems.push(`${file} is in no part`);
    }
  }
  if (problems.length > 0) {
    throw Error(
      `scripts/mutation-parts.mjs:\n${problems.map(problem => `  ${problem}`).join('\n')}`,
    );
  }
  return filesOf;
};
