// @ts-check
/** Lint rules of this house, for which no plugin has one. */
import endo from '@endo/eslint-plugin';

const SHELVES = /(^|[/\\])(utils?|helpers?|types|common|misc)\.[cm]?[jt]sx?$/;

/** @type {import('eslint').Rule.RuleModule} */
const nounNames = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      shelf: 'A file is one noun or verb: "{{name}}" is a shelf that fills.',
    },
  },
  create: context => ({
    Program: node => {
      const found = SHELVES.exec(context.filename);
      if (found) {
        const name = found[2] ?? '';
        context.report({ node, messageId: 'shelf', data: { name } });
      }
    },
  }),
};

/** @type {import('eslint').Rule.RuleModule} */
const todoHasIssue = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { issue: 'A TODO names its issue: TODO(#12).' },
  },
  create: context => ({
    Program: () => {
      for (const { loc, value } of context.sourceCode.getAllComments()) {
        if (loc && /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(value)) {
          context.report({ loc, messageId: 'issue' });
        }
      }
    },
  }),
};

/**
 * The plugin's own declarations leave its rules out.
 * @type {{ rules: Record<string, import('eslint').Rule.RuleModule> }}
 */
const { rules: endoRules } = Object(endo);
const endoHardenExports = endoRules['harden-exports'];
if (!endoHardenExports) {
  throw Error('@endo/eslint-plugin has no rule harden-exports any more.');
}

const isType = (/** @type {object} */ node) =>
  'exportKind' in node && node.exportKind === 'type';

/**
 * Endo's rule, but not for types, which there is nothing to harden of, and not
 * for what another module exported, and hardened, first.
 * @type {import('eslint').Rule.RuleModule}
 */
const hardenExports = {
  ...endoHardenExports,
  create: context => {
    const { ExportNamedDeclaration: visit, ...rest } =
      endoHardenExports.create(context);
    return {
      ...rest,
      ExportNamedDeclaration: node => {
        const { source, specifiers } = node;
        const isTypes = specifiers.length > 0 && specifiers.every(isType);
        if (!source && !isType(node) && !isTypes) {
          visit?.(node);
        }
      },
    };
  },
};

export const house = {
  rules: {
    'harden-exports': hardenExports,
    'noun-names': nounNames,
    'todo-has-issue': todoHasIssue,
  },
};
