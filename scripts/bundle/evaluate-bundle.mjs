/**
 * A process of its own that evaluates one bundle as a vat's worker does: under
 * lockdown, in a Compartment. Reads the bundle's text from standard input and
 * writes a `Verdict` (see check-bundle.mjs) as JSON to standard output.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * The globals that lockdown adds.
 *
 * @type {any}
 */
const realm = globalThis;

/** @param {string} folder @param {string} specifier */
const importFrom = (folder, specifier) => {
  const { resolve } = createRequire(
    new URL(`../../${folder}/package.json`, import.meta.url),
  );
  return import(pathToFileURL(resolve(specifier)).href);
};

/**
 * Stands for liveslots' VatData: enough for code at a module's top level, such
 * as `const handle = makeKindHandle('Counter')`. Nothing is made or stored.
 */
const makeIdleVatData = () => {
  const idle = () => realm.harden(() => realm.harden({}));
  const names =
    'defineKind defineKindMulti defineDurableKind defineDurableKindMulti makeKindHandle providePromiseWatcher watchPromise makeScalarBigMapStore makeScalarBigWeakMapStore makeScalarBigSetStore makeScalarBigWeakSetStore canBeDurable';
  return realm.harden(
    Object.fromEntries(names.split(' ').map(name => [name, idle])),
  );
};

/** @param {readonly string[]} specifiers */
const importProvided = async specifiers => {
  const entries = specifiers.map(async specifier => {
    const folder =
      specifier === '@agoric/vat-data' ? 'vats' : 'packages/vat-supervisor';
    return [specifier, await importFrom(folder, specifier)];
  });
  return Object.fromEntries(await Promise.all(entries));
};

/**
 * The names that a bundle takes of a module which has no such export. Only
 * those that are read while it is evaluated can be seen here.
 *
 * @param {Record<string, object>} provided
 * @param {string[]} absent
 */
const watchReads = (provided, absent) =>
  Object.fromEntries(
    Object.entries(provided).map(([specifier, namespace]) => [
      specifier,
      new Proxy(
        { ...namespace },
        {
          get: (target, key) => {
            if (typeof key === 'string' && !Object.hasOwn(target, key)) {
              absent.push(`${specifier} has no export ${key}`);
            }
            return Reflect.get(target, key);
          },
        },
      ),
    ]),
  );

/** @param {unknown} error */
const describe = error =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

const { source, imports } = JSON.parse(readFileSync(0, 'utf8'));
await importFrom('packages/vat-supervisor', 'ses');
await importFrom('packages/vat-supervisor', '@endo/eventual-send/shim.js');
// The vat's author wants the error as it is, with its stack.
realm.lockdown({ errorTaming: 'unsafe', consoleTaming: 'unsafe' });
const vatData = makeIdleVatData();
realm.VatData = vatData;

const quiet = Object.fromEntries(
  ['debug', 'info', 'log', 'warn', 'error'].map(name => [name, () => {}]),
);
const compartment = new realm.Compartment({
  globals: realm.harden({
    VatData: vatData,
    console: quiet,
    assert: realm.assert,
  }),
  __options__: true,
});
const present = Reflect.ownKeys(compartment.globalThis).filter(
  key => typeof key === 'string',
);
/** @type {string[]} */
const absent = [];
let verdict;
try {
  const evaluated = compartment.evaluate(source);
  const namespace = evaluated(
    watchReads(await importProvided(imports), absent),
  );
  const root = namespace.buildRootObject;
  const problem =
    typeof root === 'function'
      ? undefined
      : `buildRootObject is a ${typeof root}, not a function`;
  verdict = { problem, present, absent };
} catch (error) {
  verdict = { problem: describe(error), present, absent };
}
process.stdout.write(JSON.stringify(verdict));
