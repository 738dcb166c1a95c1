import {
  CooperageError,
  METHOD_PRIVILEGE,
  PRIVILEGES,
  type Privilege,
} from '@cooperage/protocol';
import harden from '@endo/harden';

const privileges: ReadonlyMap<string, Privilege> = new Map(
  Object.entries(METHOD_PRIVILEGE),
);

/** The privilege that a control method needs; throws CooperageError NOT_ALLOWED when the client has less. */
export const insistPrivilege = (
  privilege: Privilege,
  method: string,
): Privilege => {
  const needed = privileges.get(method) ?? 'dangerous';
  if (PRIVILEGES.indexOf(privilege) < PRIVILEGES.indexOf(needed)) {
    throw new CooperageError(
      'NOT_ALLOWED',
      `${method} needs the privilege ${needed}; this client has ${privilege}`,
    );
  }
  return needed;
};
harden(insistPrivilege);
