import { sitesOfGrants, type ServiceGrant } from '@cooperage/protocol';
import { rememberDraft, type LaunchMemory, type Memory } from './memory.ts';
import { nameOfSite, type Sites } from './sites.ts';

/** A launch that the kernel has not been asked for yet. */
export type Intent = {
  /** Its draft was discarded. */
  isTakenBack: boolean;
};

/**
 * Has the browser ask a person for the sites of a launch. The question may close a
 * popup: until it is answered, the memory keeps the draft for the next one.
 */
export const makeSiteQuestion = (
  sites: Pick<Sites, 'request'>,
  memory: Memory,
) => {
  /** Whose draft the memory keeps. */
  let keeper: Intent | undefined;
  const forget = (mine: Intent): void => {
    if (keeper === mine) {
      keeper = undefined;
      rememberDraft(memory, undefined);
    }
  };
  return Object.freeze({
    /** To be called in the turn of what the person has done. Rejects when the sites are not allowed. */
    insist: async (
      mine: Intent,
      draft: LaunchMemory,
      grants: readonly ServiceGrant[],
    ): Promise<void> => {
      const wanted = sitesOfGrants(grants);
      if (wanted.length === 0) {
        return;
      }
      keeper = mine;
      rememberDraft(memory, draft);
      try {
        if (await sites.request(wanted)) {
          return;
        }
      } finally {
        forget(mine);
      }
      throw new Error(
        `Its vats are to fetch from ${wanted.map(nameOfSite).join(', ')}, and you have not allowed that: launch it again and allow it, or take the service fetch out of its config`,
      );
    },
    takeBack: (mine: Intent): void => {
      mine.isTakenBack = true;
      forget(mine);
    },
  });
};
