import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { house } from './scripts/house-rules.mjs';

const SOURCES = ['**/*.{ts,tsx,mts,js,mjs,cjs}'];
const TESTS = [
  '**/*.test.{ts,tsx,mjs}',
  '**/*-suite.ts',
  '**/e2e/**',
  '**/test/**',
  '**/testing/**',
];

/** Packages whose code runs in locked realms only: they harden what they export. */
const LOCKED = ['kernel', 'vat-supervisor', 'client', 'services'].map(
  name => `packages/${name}/src/**/*.ts`,
);

/** Run before lockdown, when there is no harden yet. */
const BEFORE_LOCKDOWN = [
  'packages/vat-supervisor/src/bare-worker.ts',
  'packages/vat-supervisor/src/captured-console.ts',
  'packages/vat-supervisor/src/install-sends.ts',
  'packages/vat-supervisor/src/hardener.ts',
  'packages/vat-supervisor/src/install-hardener.ts',
  'packages/vat-supervisor/src/log-levels.ts',
  'packages/vat-supervisor/src/strip-globals.ts',
];

const UNWANTED_SYNTAX = [
  {
    selector: 'TSEnumDeclaration',
    message: 'Use a union of literals instead of an enum.',
  },
  {
    selector: 'TSAsExpression > TSAsExpression.expression > TSUnknownKeyword',
    message: 'A cast by way of unknown hides a lie: parse the value instead.',
  },
  {
    selector: 'ExportDefaultDeclaration',
    message: 'Export by name.',
  },
];

const UNWANTED_IN_TESTS = [
  ...UNWANTED_SYNTAX,
  {
    selector:
      "CallExpression[callee.object.name='vi'][callee.property.name='mock']",
    message: 'Use a memory adapter or a raw vat instead of a mock of a module.',
  },
  {
    selector:
      "AwaitExpression > NewExpression[callee.name='Promise'] CallExpression[callee.name='setTimeout'][arguments.1.value>0]",
    message: 'No sleeps: wait for a promise, an event or a fence.',
  },
];

export default defineConfig(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      '.cache/',
      '.profile/',
      'coverage/',
      'bench/out/',
    ],
  },
  {
    // A comment can't lift a wall, and what stands in the way of one is an error.
    linterOptions: {
      noInlineConfig: true,
    },
  },
  ...tseslint.configs.strict,
  {
    files: SOURCES,
    plugins: { house },
    rules: {
      'max-lines': ['error', 350],
      'house/own-lines': ['error', 60],
      complexity: ['error', 12],
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...UNWANTED_SYNTAX],
      'no-var': 'error',
      'prefer-const': 'error',
      'house/noun-names': 'error',
      'house/todo-has-issue': 'error',
      '@typescript-eslint/ban-ts-comment': [
        'error',
        {
          'ts-expect-error': true,
          'ts-ignore': true,
          'ts-nocheck': true,
          'ts-check': false,
        },
      ],
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Sources are consumed as they are: an ambient declaration must come along.
      '@typescript-eslint/triple-slash-reference': [
        'error',
        { path: 'always' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
    },
  },
  {
    files: LOCKED,
    ignores: [...TESTS, ...BEFORE_LOCKDOWN],
    rules: { 'house/harden-exports': 'error' },
  },
  {
    files: TESTS,
    rules: {
      'max-lines': 'off',
      'house/own-lines': 'off',
      complexity: 'off',
      'no-restricted-syntax': ['error', ...UNWANTED_IN_TESTS],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // Their tools want a default export.
    files: ['*.config.{js,ts}', '**/vite.config.ts', '**/vite.*.config.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...UNWANTED_SYNTAX.filter(
          ({ selector }) => selector !== 'ExportDefaultDeclaration',
        ),
      ],
    },
  },
  {
    // Their only way to each other.
    files: ['**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
