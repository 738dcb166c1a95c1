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

const PRIMITIVES = new Set([
  'BinaryExpression',
  'TemplateLiteral',
  'UnaryExpression',
]);

/** Whether an initial value is a primitive by its looks. */
const isPrimitive = (/** @type {object | null | undefined} */ init) => {
  let value = init;
  while (value && 'expression' in value && value.expression instanceof Object) {
    value = value.expression;
  }
  if (!value || !('type' in value)) {
    return false;
  }
  return value.type === 'Literal'
    ? !('regex' in value)
    : PRIMITIVES.has(String(value.type));
};

/**
 * Endo's rule, but not for types, which there is nothing to harden of, and not
 * for what another module exported, and hardened, first; nor for primitives.
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
        const { source, specifiers, declaration } = node;
        const isTypes = specifiers.length > 0 && specifiers.every(isType);
        const isPlain =
          declaration?.type === 'VariableDeclaration' &&
          declaration.declarations.every(({ init }) => isPrimitive(init));
        if (!source && !isType(node) && !isTypes && !isPlain) {
          visit?.(node);
        }
      },
    };
  },
};

/** @typedef {{ node: import('eslint').Rule.Node, nested: number }} Frame */

/**
 * A function has at most so many lines of its own. Those of the functions that
 * stand in it don't count: a maker that holds ten short verbs is no long function.
 * @type {import('eslint').Rule.RuleModule}
 */
const ownLines = {
  meta: {
    type: 'problem',
    schema: [{ type: 'integer' }],
    messages: {
      long: 'This function has {{own}} lines of its own, more than {{most}}.',
    },
  },
  create: context => {
    const most = Number(context.options[0]);
    const blank = new Set();
    for (const [index, line] of context.sourceCode.lines.entries()) {
      if (/^\s*($|\/\/|\/?\*)/.test(line)) {
        blank.add(index + 1);
      }
    }
    /** @type {Frame[]} */
    const frames = [];
    /** @param {import('eslint').Rule.Node} node */
    const linesOf = ({ loc }) => {
      let lines = 0;
      for (
        let line = loc?.start.line ?? 0;
        loc && line <= loc.end.line;
        line += 1
      ) {
        lines += blank.has(line) ? 0 : 1;
      }
      return lines;
    };
    /** @param {import('eslint').Rule.Node} node */
    const enter = node => {
      frames.push({ node, nested: 0 });
    };
    const leave = () => {
      const frame = frames.pop();
      if (!frame) {
        return;
      }
      const all = linesOf(frame.node);
      const own = all - frame.nested;
      if (own > most) {
        const data = { own: String(own), most: String(most) };
        context.report({ node: frame.node, messageId: 'long', data });
      }
      const outer = frames.at(-1);
      if (outer) {
        outer.nested += Math.max(0, all - 1);
      }
    };
    return {
      FunctionDeclaration: enter,
      FunctionExpression: enter,
      ArrowFunctionExpression: enter,
      'FunctionDeclaration:exit': leave,
      'FunctionExpression:exit': leave,
      'ArrowFunctionExpression:exit': leave,
    };
  },
};

export const house = {
  rules: {
    'harden-exports': hardenExports,
    'noun-names': nounNames,
    'own-lines': ownLines,
    'todo-has-issue': todoHasIssue,
  },
};
