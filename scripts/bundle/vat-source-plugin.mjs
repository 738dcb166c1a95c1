import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, relative } from 'node:path';
import { parseSync } from 'vite';
import { BundleProblem } from './bundle-problem.mjs';
import { PROVIDED_MODULES } from './provided-modules.mjs';

const SCRIPT = /\.[cm]?[jt]sx?$/;

/** @param {string} id a module's id, which may carry a query or a virtual prefix */
const fileOf = id => id.replace(/[?#].*$/, '');

/**
 * The place of an offset, with the file named as the person who runs the
 * command sees it.
 *
 * @param {string} id
 * @param {string} text
 * @param {number} offset
 */
const placeOf = (id, text, offset) => ({
  file: relative(process.cwd(), fileOf(id)) || basename(id),
  text,
  offset,
});

/**
 * Where `importer` names `request`.
 *
 * @param {string} importer
 * @param {string} request
 */
const placeOfImport = (importer, request) => {
  const text = readFileSync(fileOf(importer), 'utf8');
  const { module } = parseSync(fileOf(importer), text);
  const requests = [
    ...module.staticImports.map(each => each.moduleRequest),
    ...module.staticExports.flatMap(each =>
      each.entries.map(entry => entry.moduleRequest),
    ),
  ];
  const found = requests.find(each => each?.value === request);
  return placeOf(importer, text, found?.start ?? 0);
};

/**
 * Refuses what no vat can have, at the place where its author wrote it: a
 * syntax error, a dynamic import, `import.meta`, a module of Node's, an import
 * that leads nowhere. Leaves the supervisor's modules outside of the bundle.
 *
 * @returns {import('vite').Plugin}
 */
export const makeVatSourcePlugin = () => ({
  name: 'cooperage-vat-source',
  enforce: 'pre',

  async resolveId(source, importer, options) {
    if (PROVIDED_MODULES.includes(source)) {
      return { id: source, external: true };
    }
    if (importer === undefined || importer.startsWith('\0')) {
      return null;
    }
    if (isBuiltin(source)) {
      throw new BundleProblem(
        `a vat has no ${JSON.stringify(source)}: Node's modules stay outside`,
        placeOfImport(importer, source),
      );
    }
    const found = await this.resolve(source, importer, {
      ...options,
      skipSelf: true,
    });
    if (!found || found.external) {
      throw new BundleProblem(
        `the import ${JSON.stringify(source)} can't be resolved`,
        placeOfImport(importer, source),
      );
    }
    return found;
  },

  transform(text, id) {
    const file = fileOf(id);
    if (!SCRIPT.test(file)) {
      return null;
    }
    const { errors, module } = parseSync(file, text);
    const [error] = errors;
    if (error) {
      throw new BundleProblem(
        error.message,
        placeOf(id, text, error.labels[0]?.start ?? 0),
      );
    }
    const [dynamic] = module.dynamicImports;
    if (dynamic) {
      throw new BundleProblem(
        'a vat has no dynamic import: write a static one',
        placeOf(id, text, dynamic.start),
      );
    }
    const [meta] = module.importMetas;
    if (meta) {
      throw new BundleProblem(
        'a vat has no import.meta: it was loaded from no address',
        placeOf(id, text, meta.start),
      );
    }
    return null;
  },
});
