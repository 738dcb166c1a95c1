import { Linter } from 'eslint';

/**
 * A global that a script asks for.
 *
 * @typedef {object} FreeGlobal
 * @property {string} name
 * @property {boolean} guarded every use stands under `typeof`
 * @property {readonly string[]} members the properties it is asked for, sorted;
 *   `new` and `call` when it is constructed or called without arguments
 */

/**
 * What a reference wants of its global.
 *
 * @param {any} identifier an ESTree node with ESLint's `parent`
 * @returns {string}
 */
const memberOf = identifier => {
  const { parent } = identifier;
  if (parent.type === 'MemberExpression' && parent.object === identifier) {
    return parent.computed ? '' : parent.property.name;
  }
  if (parent.callee === identifier && parent.arguments.length === 0) {
    return parent.type === 'NewExpression' ? 'new' : 'call';
  }
  return '';
};

/** @param {any} identifier */
const isGuarded = identifier =>
  identifier.parent.type === 'UnaryExpression' &&
  identifier.parent.operator === 'typeof';

/**
 * The globals that a script refers to and does not declare, by ESLint's scope
 * analysis of its syntax tree, sorted by name.
 *
 * @param {string} script strict code of a script
 * @returns {readonly FreeGlobal[]}
 */
export const findFreeGlobals = script => {
  /** @type {Map<string, any[]>} */
  const uses = new Map();
  /** @type {import('eslint').Rule.RuleModule} */
  const rule = {
    create: context => ({
      'Program:exit': () => {
        const scope = context.sourceCode.scopeManager.globalScope;
        const known = scope?.variables.flatMap(each =>
          each.defs.length === 0 ? each.references : [],
        );
        for (const { identifier } of [
          ...(known ?? []),
          ...(scope?.through ?? []),
        ]) {
          const name = String(Reflect.get(identifier, 'name'));
          uses.set(name, [...(uses.get(name) ?? []), identifier]);
        }
      },
    }),
  };
  const messages = new Linter({ configType: 'flat' }).verify(
    script,
    {
      languageOptions: { ecmaVersion: 'latest', sourceType: 'script' },
      linterOptions: { noInlineConfig: true },
      plugins: { scan: { rules: { free: rule } } },
      rules: { 'scan/free': 'error' },
    },
    'bundle.js',
  );
  const fatal = messages.find(message => message.fatal);
  if (fatal) {
    throw SyntaxError(`${fatal.message} (line ${fatal.line} of the bundle)`);
  }
  return [...uses.entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, identifiers]) => ({
      name,
      guarded: identifiers.every(isGuarded),
      members: [...new Set(identifiers.map(memberOf))]
        .filter(member => member !== '')
        .sort(),
    }));
};
