import type { Privilege } from '@cooperage/protocol';

export type ClientKind = {
  readonly label: string;
  readonly privilege: Privilege;
};

/** Who may connect, by the address of its script or page within the extension. */
const KINDS = new Map<string, ClientKind>([
  ['/popup.html', Object.freeze({ label: 'panel', privilege: 'dangerous' })],
  ['/background.js', Object.freeze({ label: 'console', privilege: 'operate' })],
]);

/**
 * What the browser's own account of a sender entitles it to; undefined for
 * anybody else. The name that a client gives itself plays no part.
 */
export const kindOfClient = (
  url: string | undefined,
  origin: string,
): ClientKind | undefined => {
  if (url === undefined || !URL.canParse(url)) {
    return undefined;
  }
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}` === origin
    ? KINDS.get(parsed.pathname)
    : undefined;
};
