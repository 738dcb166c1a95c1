import { inDigits } from './digits.ts';
import type {
  AdminQuota,
  Capped,
  Cycle,
  CycleEdge,
  EndpointMention,
  Holder,
  HoldLink,
  Life,
  Power,
  PowerAbout,
  RefMention,
  Used,
} from './inspection.ts';
import { FETCH_DEFAULTS, type FetchCaveats } from './fetch-caveats.ts';
import { isPromiseKref, isVatId } from './refs.ts';

/** A sentence whose references stay what they are: a view may make something of them. */
export type Phrase = readonly (string | RefMention | EndpointMention)[];

/** `Alleged: Purse (ko4)` as a presence prints it, `demo.bob (ko3)` for what has a name, `promise kp2`. */
export const nameOfRef = ({ kref, iface, name }: RefMention): string => {
  if (isPromiseKref(kref)) {
    return `promise ${kref}`;
  }
  const label = name ?? (iface === null ? undefined : `Alleged: ${iface}`);
  return label === undefined ? `object ${kref}` : `${label} (${kref})`;
};

/** `demo.bob (v3)`, or `session s2 (console)`. */
export const nameOfEndpoint = ({ endpoint, name }: EndpointMention): string =>
  isVatId(endpoint) ? `${name} (${endpoint})` : `session ${endpoint} (${name})`;

export const textOfPhrase = (phrase: Phrase): string =>
  phrase
    .map(part => {
      if (typeof part === 'string') {
        return part;
      }
      return 'kref' in part ? nameOfRef(part) : nameOfEndpoint(part);
    })
    .join('');

const wordsOfQueued = (
  held: RefMention,
  as: 'target' | 'argument' | 'result' | 'notify',
  where: RefMention | EndpointMention,
): Phrase => {
  switch (as) {
    case 'target':
      return ['a message to ', held, ' waits for ', where];
    case 'argument':
      return ['a message that waits for ', where, ' names ', held];
    case 'result':
      return ['a message that waits for ', where, ' is answered by ', held];
    case 'notify':
      return ['the outcome of ', held, ' waits to be told to ', where];
  }
};

const wordsOfVatHold = (
  { by, vat }: Extract<Holder, { readonly by: 'root' | 'parameters' }>,
  held: RefMention,
): Phrase =>
  by === 'root'
    ? [vat, ' has ', held, ' as its root']
    : [vat, ' was given ', held, ' in its parameters'];

/** Who holds it, and by what. */
export const wordsOfHold = (holder: Holder, held: RefMention): Phrase => {
  if ('vat' in holder) {
    return wordsOfVatHold(holder, held);
  }
  switch (holder.by) {
    case 'home':
      return [`home.${holder.name} keeps `, held];
    case 'bootstrap':
      return [`cluster ${holder.cluster} awaits `, held, ' of its bootstrap'];
    case 'retiring':
      return [holder.endpoint, ' is being told the outcome of ', held];
    case 'inbox':
      return wordsOfQueued(held, holder.as, holder.endpoint);
    case 'parked':
      return wordsOfQueued(held, holder.as, holder.promise);
    case 'service':
      return [holder.service, ' holds ', held, ' for ', holder.object];
    case 'data':
      return [holder.promise, ' was settled with data that names ', held];
    case 'clist':
      if (isPromiseKref(held.kref)) {
        return [holder.endpoint, ' knows ', held];
      }
      return holder.reachable
        ? [holder.endpoint, ' imports ', held]
        : [
            holder.endpoint,
            ' has dropped ',
            held,
            ' and can only recognize it',
          ];
  }
};

const listOf = (
  { items, leftOut }: Capped<RefMention>,
  most: number,
): Phrase => {
  const shown = items.slice(0, most);
  const rest = items.length - shown.length + leftOut;
  return [
    ...shown.flatMap((item, index) => (index === 0 ? [item] : [', ', item])),
    ...(rest === 0 ? [] : [` and ${rest.toLocaleString('en-US')} more`]),
  ];
};

const MOST_REASONS = 5;

const wordsOfChain = (
  chain: readonly HoldLink[],
  mayBeFor: Capped<RefMention> | null,
): Phrase[] => {
  const [first] = chain;
  const vat =
    mayBeFor && first?.holder.by === 'clist'
      ? first.holder.endpoint
      : undefined;
  const [start, ...rest] = chain.map(({ holder, held }) =>
    wordsOfHold(holder, held),
  );
  const reasons: Phrase[] =
    vat && mayBeFor
      ? [
          [
            vat,
            ' may do so for any of its exports that are held: ',
            ...listOf(mayBeFor, MOST_REASONS),
          ],
        ]
      : [];
  return start ? [start, ...reasons, ...rest] : [];
};

/** Why something is alive, a sentence for each step, from the root on. */
export const wordsOfLife = (life: Life): Phrase[] => {
  switch (life.state) {
    case 'held':
      return wordsOfChain(life.chain, life.mayBeFor);
    case 'recognizable':
      return [
        ['nobody can reach it; somebody can still tell whether it is the same'],
      ];
    case 'unheld':
      return [['nobody but its exporter knows it']];
    case 'cycle':
      return [
        [
          'it is garbage: held only by what holds itself in a cycle, ',
          ...listOf(life.among, MOST_REASONS),
        ],
      ];
    case 'unknown':
      return [
        [
          `no root was found, but ${life.unseen.toLocaleString('en-US')} rows of queues and promises were too many to look at`,
        ],
      ];
  }
};

/** One edge of a cycle. */
export const wordsOfEdge = (edge: CycleEdge): Phrase => {
  switch (edge.by) {
    case 'clist':
      return edge.exporter === null
        ? [edge.vat, ' knows ', edge.held]
        : [edge.vat, ' imports ', edge.held, ' of ', edge.exporter];
    case 'data':
      return [edge.promise, ' was settled with data that names ', edge.held];
    case 'parked':
      return ['a message that waits for ', edge.promise, ' names ', edge.held];
    case 'alias':
      return [edge.alias, ' stands for ', edge.held];
  }
};

/** What is to be thought of a cycle. */
export const verdictOf = ({ isGarbage, vats }: Cycle): string => {
  if (isGarbage) {
    return 'garbage: nobody can ever hear of these promises again';
  }
  return vats.length === 0
    ? 'these promises hold each other, and somebody else knows them too'
    : 'may be garbage: only the vats know whether they still need it';
};

/** The only one, if it is one; then it can stand in the address. */
const onlyOf = <Item>(items: readonly Item[] | undefined): Item | undefined =>
  items?.length === 1 ? items[0] : undefined;

const pathOf = ({ pathPrefix = '/' }: FetchCaveats): string =>
  pathPrefix === '/' ? '' : pathPrefix;

/** Where there is one scheme and one port, they stand in the addresses. */
const addressesOf = (
  hosts: readonly string[],
  { schemes, ports, ...rest }: FetchCaveats,
): string => {
  const scheme = onlyOf(schemes);
  const port = onlyOf(ports);
  const before = scheme === undefined ? '' : `${scheme}://`;
  const after = `${port === undefined ? '' : `:${port}`}${pathOf(rest)}`;
  return [
    hosts.map(host => `${before}${host}${after}`).join(', '),
    ...(schemes && scheme === undefined ? [`by ${schemes.join(' or ')}`] : []),
    ...(ports && port === undefined ? [`at port ${ports.join(' or ')}`] : []),
  ].join(' ');
};

/** Nothing for caveats that name no place. */
const wordsOfPlaces = (caveats: FetchCaveats): string => {
  const { schemes, hosts, ports } = caveats;
  if (hosts) {
    return addressesOf(hosts, caveats);
  }
  const path = pathOf(caveats);
  return [
    ...(path === '' ? [] : [`what is under ${path}`]),
    ...(schemes ? [`by ${schemes.join(' or ')}`] : []),
    ...(ports ? [`at port ${ports.join(' or ')}`] : []),
  ].join(' ');
};

const wordsOfWays = ({
  methods,
  mostBytes,
  mostMilliseconds,
}: FetchCaveats): string => {
  const bounds = [
    ...(mostBytes === undefined
      ? []
      : [`at most ${mostBytes.toLocaleString('en-US')} bytes`]),
    ...(mostMilliseconds === undefined
      ? []
      : [`within ${(mostMilliseconds / 1_000).toLocaleString('en-US')} s`]),
  ].join(' ');
  return [...(methods ? [methods.join(', ')] : []), bounds]
    .filter(part => part !== '')
    .join('; ');
};

/** Where a set of caveats lets somebody fetch, and how: `https://api.example.org/v1 (GET, HEAD; at most 1,000,000 bytes within 30 s)`. */
export const wordsOfCaveats = (caveats: FetchCaveats): string => {
  const places = wordsOfPlaces(caveats);
  const ways = wordsOfWays(caveats);
  if (places === '' || ways === '') {
    return places || ways || 'anything';
  }
  return `${places} (${ways})`;
};

/** The caveats of a grant as they hold, with what is so without a word about it. */
export const wordsOfGrantedFetch = (caveats: FetchCaveats): string =>
  wordsOfCaveats({ ...FETCH_DEFAULTS, ...caveats });

const wordsOfUsed = ({ now, most }: Used, unit: string): string =>
  most === null
    ? `${inDigits(now)} ${unit}`
    : `${inDigits(now)} of ${inDigits(most)} ${unit}`;

/** `1 of 4 vats, 500,000 of 2,000,000 bytes stored, of apprentice alone` */
const wordsOfQuota = ({ vats, bytes, deadline, bundles }: AdminQuota): string =>
  [
    wordsOfUsed(vats, 'vats'),
    wordsOfUsed(bytes, 'bytes stored'),
    ...(deadline === null
      ? []
      : [`deadlines of at most ${inDigits(deadline)} ms`]),
    ...(bundles === null
      ? []
      : [`of ${bundles.join(', ') || 'no code'} alone`]),
  ].join(', ');

const wordsOfAdministrator = ({
  cluster,
  quotas,
}: Extract<PowerAbout, { kind: 'administrator' }>): string =>
  cluster === null
    ? 'has no cluster left to make vats in'
    : `makes vats in ${cluster}: ${quotas.map(wordsOfQuota).join('; and within ')}`;

const wordsOfRevoker = ({
  alias,
  target,
}: Extract<PowerAbout, { kind: 'revoker' }>): Phrase =>
  alias === null || target === null
    ? [' has nothing left to take back']
    : [' takes back ', alias, ', which stands for ', target];

/** What an object of a service lets its holder do. */
export const wordsOfPower = (power: Power): Phrase => {
  const { about } = power;
  switch (about.kind) {
    case 'fetch':
      return [
        power,
        ' fetches from ',
        about.sets.map(wordsOfCaveats).join('; and of that only '),
      ];
    case 'alias':
      return about.target === null
        ? [power, ' was revoked']
        : [power, ' stands for ', about.target, ', revocably'];
    case 'revoker':
      return [power, ...wordsOfRevoker(about)];
    case 'alarm':
      return about.at === null
        ? [power, ' has nothing left to cancel']
        : [
            power,
            ` cancels what is due at ${new Date(about.at).toISOString()}`,
          ];
    case 'console':
      return [power, ` writes into the log as ${about.label}`];
    case 'administrator':
      return [power, ` ${wordsOfAdministrator(about)}`];
    case 'node':
      return about.vat === null
        ? [power, ' governed a vat that has ended']
        : [power, ' governs ', about.vat];
    case 'plain':
      return [power];
  }
};
