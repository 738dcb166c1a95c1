/// <reference path="./import-bundle.d.ts" />
import harden from '@endo/harden';
import {
  PROVIDED_MODULES,
  problemOfBundle,
  type ModuleFormat,
} from '@cooperage/protocol';
import { importBundle } from '@endo/import-bundle';
import type { BuildVatNamespace } from './liveslots.ts';
import { makeProvidedModules } from './provided-modules.ts';
import { problemOfSyntax } from './syntax-check.ts';
import { makeVatCompartment } from './vat-compartment.ts';

/** The bundle can't be a vat's; the message is for the one who made it. */
export class BundleError extends Error {}
const badBundle = (problem: string): Error => new BundleError(problem);

type Fields = Readonly<Record<string, unknown>>;

const textField = (bundle: Fields, name: string): string => {
  const value = Object.hasOwn(bundle, name) ? bundle[name] : undefined;
  if (typeof value !== 'string') {
    throw badBundle(
      `a bundle of format ${String(bundle['moduleFormat'])} has its ${name} as text`,
    );
  }
  return value;
};

/**
 * Parses as SES will, with its own rules against HTML comments and imports, and
 * runs nothing: a Compartment's `Function` takes only what is a function's body.
 */
const insistSyntax = (source: string): void => {
  const { globalThis: inner } = new Compartment();
  const problem = problemOfSyntax(
    text => void Reflect.construct(inner.Function, [text]),
    source,
  );
  if (problem !== undefined) {
    throw badBundle(problem);
  }
};

const isProvided = (name: string): name is (typeof PROVIDED_MODULES)[number] =>
  PROVIDED_MODULES.some(known => known === name);

const insistImports = (imports: unknown): readonly string[] => {
  if (
    !Array.isArray(imports) ||
    !imports.every(name => typeof name === 'string')
  ) {
    throw badBundle('imports is a list of module names');
  }
  const unknown = imports.find(name => !isProvided(name));
  if (unknown !== undefined) {
    throw badBundle(
      `there is no module ${JSON.stringify(unknown)} here; a vat may import ${PROVIDED_MODULES.join(', ')}, and bundles the rest`,
    );
  }
  return imports;
};

const insistNamespace = (namespace: unknown): object => {
  if (typeof namespace !== 'object' || namespace === null) {
    throw TypeError('the bundle did not give a namespace of exports');
  }
  return namespace;
};

type Loader = (bundle: Fields, endowments: object) => BuildVatNamespace;

const loadScript: Loader = (bundle, endowments) => {
  const source = textField(bundle, 'source');
  const imports = insistImports(bundle['imports'] ?? []);
  insistSyntax(source);
  return (globals, inescapable) => {
    const provided = makeProvidedModules(globals.VatData, inescapable);
    const compartment = makeVatCompartment({
      globals: { assert, ...endowments, ...globals },
      inescapable,
    });
    const link = compartment.evaluate(source);
    if (typeof link !== 'function') {
      throw TypeError('the source of a cooperageScript gives a function');
    }
    const own = Object.entries(provided).filter(([name]) =>
      imports.includes(name),
    );
    return insistNamespace(
      Reflect.apply(link, undefined, [harden(Object.fromEntries(own))]),
    );
  };
};

const ENTRY = 'vat-code';

const insistRecord = (record: unknown): Fields => {
  if (typeof record !== 'object' || record === null) {
    throw badBundle('a cooperageModule has a record');
  }
  const fields: Fields = { ...record };
  insistImports(fields['imports']);
  insistSyntax(textField(fields, '__syncModuleProgram__'));
  return fields;
};

const loadModule: Loader = (bundle, endowments) => {
  const record = insistRecord(bundle['record']);
  return (globals, inescapable) => {
    const provided = makeProvidedModules(globals.VatData, inescapable);
    const virtual = Object.entries(provided).map(([name, namespace]) => [
      name,
      { namespace },
    ]);
    const compartment = makeVatCompartment({
      globals: { assert, ...endowments, ...globals },
      inescapable,
      modules: {
        ...Object.fromEntries(virtual),
        [ENTRY]: { source: record },
      },
    });
    return compartment.importNow(ENTRY);
  };
};

/** What SES and import-bundle would give by themselves: nothing but what the vat was configured with gets in. */
const WITHHELD = Object.freeze([
  'TextEncoder',
  'TextDecoder',
  'URL',
  'Base64',
  'atob',
  'btoa',
]);

/** Those of them that the vat is not configured with, as undefined. */
const withheldFrom = (endowments: object): object =>
  Object.fromEntries(
    WITHHELD.filter(name => !Object.hasOwn(endowments, name)).map(name => [
      name,
      undefined,
    ]),
  );

const loadForeign: Loader = (bundle, endowments) => {
  if (bundle['moduleFormat'] === 'endoZipBase64') {
    textField(bundle, 'endoZipBase64');
  } else if (bundle['moduleFormat'] === 'endoScript') {
    insistSyntax(textField(bundle, 'source'));
  } else {
    insistSyntax(`(${textField(bundle, 'source')}\n)`);
  }
  return async (globals, inescapable) => {
    // Waits for nothing but microtasks: liveslots does not wait for more.
    const namespace: unknown = await importBundle(bundle, {
      filePrefix: 'vat',
      // A zip's compartments get their globals a second time, from these alone.
      endowments: {
        ...withheldFrom(endowments),
        assert,
        ...endowments,
        ...globals,
      },
      inescapableGlobalProperties: inescapable,
    });
    return insistNamespace(namespace);
  };
};

const LOADERS: Readonly<Record<ModuleFormat, Loader>> = Object.freeze({
  cooperageScript: loadScript,
  cooperageModule: loadModule,
  endoScript: loadForeign,
  endoZipBase64: loadForeign,
  nestedEvaluate: loadForeign,
  getExport: loadForeign,
});

const isFormat = (name: unknown): name is ModuleFormat =>
  typeof name === 'string' && Object.hasOwn(LOADERS, name);

/**
 * Checks a bundle's text and parses its code, without running any; throws an
 * error whose message names the problem, and the line of a syntax error. The
 * function that it returns runs the code, in a compartment of its own with
 * `endowments` as globals.
 */
export const loadBundle = (
  text: string,
  endowments: object,
): BuildVatNamespace => {
  const problem = problemOfBundle(text);
  if (problem !== undefined) {
    throw badBundle(problem);
  }
  const bundle: Fields = JSON.parse(text);
  const format = bundle['moduleFormat'];
  if (!isFormat(format)) {
    throw badBundle(`moduleFormat ${String(format)} is unknown`);
  }
  const build = LOADERS[format](bundle, endowments);
  return (globals, inescapable) =>
    build(globals, { ...withheldFrom(endowments), ...inescapable });
};
harden(loadBundle);
