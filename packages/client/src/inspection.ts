import {
  nameOfEndpoint,
  nameOfRef,
  textOfPhrase,
  verdictOf,
  wordsOfEdge,
  wordsOfHold,
  wordsOfLife,
  wordsOfPower,
  wordsOfStop,
  wordsOfUse,
  type Capped,
  type CycleReport,
  type EndpointInspection,
  type Growth,
  type GrowthReport,
  type Holder,
  type Inspection,
  type Kref,
  type ObjectInspection,
  type PromiseInspection,
  type Reference,
  type RefMention,
  type VatFacts,
} from '@cooperage/protocol';
import harden from '@endo/harden';

/** The presence that this session has of it, if it has one: looking at something holds nothing. */
export type PresenceOf = (kref: Kref) => object | undefined;

/** A list as the console prints it, with a last line for what was left out. */
const listOf = <Item, Shown>(
  { items, leftOut }: Capped<Item>,
  show: (item: Item) => Shown,
): (Shown | string)[] => [
  ...items.map(show),
  ...(leftOut === 0 ? [] : [`… and ${leftOut.toLocaleString('en-US')} more`]),
];

type Shown = {
  readonly kref: Kref;
  readonly object?: object;
  readonly interface?: string;
  readonly name?: string;
};

const showRef = (
  { kref, iface, name }: RefMention,
  presenceOf: PresenceOf,
): Shown => {
  const object = presenceOf(kref);
  return {
    ...(object === undefined ? {} : { object }),
    kref,
    ...(iface === null ? {} : { interface: `Alleged: ${iface}` }),
    ...(name === null ? {} : { name }),
  };
};

const isImport = (holder: Holder): boolean => holder.by === 'clist';

/** What keeps it alive, importers apart from all others: they are what is asked for most. */
const showHolders = (inspection: ObjectInspection | PromiseInspection) => {
  const { items, leftOut } = inspection.holders;
  const say = (holder: Holder): string =>
    textOfPhrase(wordsOfHold(holder, inspection));
  const importers = items.filter(isImport);
  const others = items.filter(holder => !isImport(holder));
  return {
    [inspection.kind === 'object' ? 'importers' : 'knownTo']:
      importers.map(say),
    otherHolders: listOf({ items: others, leftOut }, say),
    counts: inspection.counts,
    whyAlive: wordsOfLife(inspection.life).map(textOfPhrase),
  };
};

const showObject = (
  inspection: ObjectInspection,
  presenceOf: PresenceOf,
): object => ({
  ...showRef(inspection, presenceOf),
  exporter: inspection.exporter
    ? nameOfEndpoint(inspection.exporter)
    : 'nobody: it is an orphan',
  ...showHolders(inspection),
});

const showPromise = (
  inspection: PromiseInspection,
  presenceOf: PresenceOf,
): object => ({
  ...showRef(inspection, presenceOf),
  state: inspection.state,
  ...(inspection.state === 'unresolved'
    ? {
        decider: inspection.decider
          ? nameOfEndpoint(inspection.decider)
          : 'the kernel: the message that it answers is on its way',
        subscribers: listOf(inspection.subscribers, nameOfEndpoint),
        waitingMessages: inspection.parked,
      }
    : {
        names: listOf(inspection.names, ref => showRef(ref, presenceOf)),
      }),
  ...showHolders(inspection),
});

const showVat = ({
  reason,
  stoppedBy,
  incarnation,
  store,
  limits,
  endowments,
  powers,
}: VatFacts): object => ({
  ...(reason === null ? {} : { reason }),
  ...(stoppedBy === null ? {} : { stopped: wordsOfStop(stoppedBy) }),
  incarnation,
  storeBytes: store.bytes,
  limits: limits.map(wordsOfUse),
  endowments,
  powers: listOf(powers, power => textOfPhrase(wordsOfPower(power))),
});

const showEndpoint = (
  inspection: EndpointInspection,
  presenceOf: PresenceOf,
): object => {
  const show = (reference: Reference) => ({
    ...showRef(reference, presenceOf),
    reachable: reference.reachable,
  });
  const { root, vat, counts, kind, unseen } = inspection;
  return {
    [kind]: nameOfEndpoint(inspection),
    ...(vat ? showVat(vat) : {}),
    ...(root ? { root: presenceOf(root.kref) ?? nameOfRef(root) } : {}),
    counts,
    ...(unseen === 0 ? {} : { olderReferencesNotCounted: unseen }),
    exports: listOf(inspection.exports, show),
    imports: listOf(inspection.imports, show),
  };
};

/** An inspection as a person reads it in a console: plain records of words, and presences where there are any. */
export const showInspection = (
  inspection: Inspection,
  presenceOf: PresenceOf,
): object => {
  switch (inspection.kind) {
    case 'object':
      return harden(showObject(inspection, presenceOf));
    case 'promise':
      return harden(showPromise(inspection, presenceOf));
    case 'vat':
    case 'session':
      return harden(showEndpoint(inspection, presenceOf));
  }
};
harden(showInspection);

const gained = ({ before, now }: Growth): number => now - before;

/** What grew, as plain records: `console.table` shows the lists well. */
export const showGrowth = (report: GrowthReport) => {
  const { mark, at, totals, endpoints, interfaces, unseen } = report;
  const notCounted = unseen.before + unseen.now;
  return harden({
    mark,
    since: new Date(at).toISOString(),
    objects: gained(totals.objects),
    promises: gained(totals.promises),
    references: gained(totals.references),
    queued: gained(totals.queued),
    endpoints: listOf(endpoints, each => ({
      who: nameOfEndpoint(each),
      exports: gained(each.exports),
      imports: gained(each.imports),
      promises: gained(each.promises),
      waiting: gained(each.waiting),
    })),
    interfaces: listOf(interfaces, ({ exporter, iface, objects, newest }) => ({
      exporter: exporter ? nameOfEndpoint(exporter) : 'nobody: orphans',
      interface: iface === null ? 'none alleged' : `Alleged: ${iface}`,
      grew: gained(objects),
      now: objects.now,
      newest: newest.map(({ kref }) => kref).join(', '),
    })),
    ...(notCounted === 0 ? {} : { rowsNotCounted: notCounted }),
  });
};
harden(showGrowth);

/** Cycles as sentences. */
export const showCycles = ({ cycles, unseen }: CycleReport) =>
  harden([
    ...listOf(cycles, cycle => ({
      verdict: verdictOf(cycle),
      vats: cycle.vats.map(nameOfEndpoint),
      edges: listOf(cycle.edges, edge => textOfPhrase(wordsOfEdge(edge))),
      alsoHeldBy: listOf(cycle.alsoHeldBy, nameOfEndpoint),
    })),
    ...(unseen === 0 ? [] : [`${unseen} rows were too many to look at`]),
  ]);
harden(showCycles);
