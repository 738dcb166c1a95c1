import {
  parseClusterConfig,
  problemOfBundle,
  type Json,
} from '@cooperage/protocol';
import { parseJson } from './json.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `reports v2.bundle.json` becomes `reports-v2`: something a cluster may be called. */
export const nameFromOrigin = (origin: string): string => {
  const last = origin.split(/[?#]/)[0]?.split('/').filter(Boolean).at(-1) ?? '';
  const stem = last.replace(/(\.(bundle|cluster|vat|js|mjs|ts|json))+$/i, '');
  const name = stem.replace(/[^\w.-]+/g, '-').replace(/^[^A-Za-z]+/, '');
  return name.slice(0, 60) || 'cluster';
};

const absolute = (url: unknown, base: string): unknown =>
  typeof url === 'string' && URL.canParse(url, base)
    ? new URL(url, base).href
    : url;

/** The config with its vats' relative bundle URLs made absolute. */
export const rebase = (config: Fields, base: string): Fields => {
  if (!isFields(config['vats'])) {
    return config;
  }
  const vats = Object.entries(config['vats']).map(([name, vat]) => {
    if (!isFields(vat)) {
      return [name, vat] as const;
    }
    const { bundle, bundleSpec } = vat;
    const rebased = {
      ...vat,
      ...(isFields(bundle) && 'url' in bundle
        ? { bundle: { ...bundle, url: absolute(bundle['url'], base) } }
        : {}),
      ...(bundleSpec === undefined
        ? {}
        : { bundleSpec: absolute(bundleSpec, base) }),
    };
    return [name, rebased] as const;
  });
  return { ...config, vats: Object.fromEntries(vats) };
};

/** A cluster of one vat. */
export const configOfBundle = (text: string, name: string): Fields => ({
  name,
  bootstrap: 'main',
  vats: { main: { bundle: { text } } },
});

/** The cluster config in a text, which may be a bundle instead; or why there is none. */
export const readConfig = (
  text: string,
  origin: string,
):
  | { readonly config: Fields; readonly problems?: never }
  | { readonly problems: readonly string[] } => {
  const parsed = parseJson(text);
  if (!parsed.ok) {
    const { line, column, problem } = parsed;
    return {
      problems: [
        `${origin} is neither a bundle nor a cluster config: not JSON at line ${line}, column ${column}: ${problem}`,
      ],
    };
  }
  const value: Json = parsed.value;
  if (isFields(value) && Object.hasOwn(value, 'moduleFormat')) {
    const problem = problemOfBundle(text);
    return problem === undefined
      ? { config: configOfBundle(text, nameFromOrigin(origin)) }
      : { problems: [problem] };
  }
  const checked = parseClusterConfig(value);
  return checked.ok && isFields(value)
    ? { config: { ...value, name: checked.value.name } }
    : { problems: checked.ok ? [] : checked.problems };
};
