import type { ControlMethods, Privilege } from '@cooperage/protocol';

/**
 * What each method needs, written down a second time: for tests of everything
 * that serves clients, which hold whoever does against this and not against the
 * table that it reads itself. A method without an entry here does not compile.
 */
export const NEEDED_PRIVILEGE: Readonly<
  Record<keyof ControlMethods, Privilege>
> = {
  status: 'read',
  subscribe: 'read',
  start: 'operate',
  launch: 'operate',
  terminate: 'operate',
  restart: 'operate',
  upgrade: 'operate',
  resume: 'operate',
  suspend: 'operate',
  pause: 'operate',
  unpause: 'operate',
  step: 'operate',
  collect: 'operate',
  sessionOpen: 'operate',
  sessionClose: 'operate',
  reference: 'operate',
  keep: 'operate',
  forget: 'operate',
  inspect: 'read',
  mark: 'read',
  grownSince: 'read',
  cycles: 'read',
  storeBundle: 'operate',
  bundles: 'read',
  forgetBundle: 'operate',
  check: 'dangerous',
  backup: 'dangerous',
  restore: 'dangerous',
  erase: 'dangerous',
};

/** From the least to the most. */
export const KINDS = [
  'read',
  'operate',
  'dangerous',
] as const satisfies readonly Privilege[];

/** Every method and every kind of port: whether the one is refused to the other, and with which words. */
export const PRIVILEGE_CASES = Object.entries(NEEDED_PRIVILEGE).flatMap(
  ([method, needed]) =>
    KINDS.map((privilege, rank) => ({
      method,
      privilege,
      refusal:
        rank < KINDS.indexOf(needed)
          ? {
              code: 'NOT_ALLOWED',
              message: `${method} needs the privilege ${needed}; this client has ${privilege}`,
            }
          : undefined,
    })),
);

/** The refusal, if the call was refused for its privilege; whatever else comes of it is nothing to this. */
export const refusalOf = (
  answer: Promise<unknown>,
): Promise<{ code: string; message: string } | undefined> =>
  answer.then(
    () => undefined,
    (problem: unknown) => {
      const { code, message } = Object(problem);
      return code === 'NOT_ALLOWED' ? { code, message } : undefined;
    },
  );
