/** @jsxImportSource preact */
import {
  sitesOfGrants,
  wordsOfGrantedFetch,
  type ClusterStatus,
  type ServiceGrant,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { nameOfSite } from '../state/sites.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { ActionProblem } from './action-problem.tsx';

const wordsOfGrant = ({ service, as, caveats }: ServiceGrant): string => {
  const name = as === service ? service : `${service} as ${as}`;
  return caveats === null
    ? name
    : `${name}, from ${wordsOfGrantedFetch(caveats)}`;
};

/** What a cluster's bootstrap gets of the kernel's services; nothing where it gets none. */
export const Grants = ({
  grants,
  isAsked = false,
}: {
  readonly grants: readonly ServiceGrant[];
  /** The cluster is not launched yet: then it is said that the browser will ask. */
  readonly isAsked?: boolean;
}) => {
  if (grants.length === 0) {
    return null;
  }
  const plain = grants.filter(({ caveats }) => caveats === null);
  const others = grants.filter(({ caveats }) => caveats !== null);
  return (
    <div class="grants">
      <span>{isAsked ? 'It gets' : 'It was given'}</span>
      <ul>
        {plain.length === 0 ? null : (
          <li>{plain.map(wordsOfGrant).join(', ')}</li>
        )}
        {others.map(grant => (
          <li key={grant.as}>{wordsOfGrant(grant)}</li>
        ))}
      </ul>
      {isAsked && sitesOfGrants(grants).length > 0 ? (
        <p>Your browser asks you to allow that when you launch it.</p>
      ) : null}
    </div>
  );
};

/** What a cluster was granted and the browser does not let it do, and the way out. */
export const MissingSites = ({
  bench,
  cluster: { name, services },
}: {
  readonly bench: Bench;
  readonly cluster: ClusterStatus;
}) => {
  const { missing, request } = bench.sites;
  const sites = sitesOfGrants(services).filter(site => missing.value.has(site));
  if (sites.length === 0) {
    return null;
  }
  const key = `sites:${name}`;
  const places = sites.map(nameOfSite).join(', ');
  const allow = async (): Promise<void> => {
    if (!(await request(sites))) {
      throw new Error(`You have not allowed ${places}`);
    }
  };
  return (
    <Notice tone="warn" title="Its fetches are refused">
      <p>The browser does not let Cooperage fetch from {places}.</p>
      <Button
        label={`Allow ${name} to fetch from ${places}`}
        onPress={() =>
          void bench.actions.run(key, `${places} may be fetched`, allow)
        }
      >
        Allow
      </Button>
      <ActionProblem bench={bench} actionKey={key} />
    </Notice>
  );
};
