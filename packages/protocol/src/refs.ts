/**
 * References and identifiers, and the only place that knows their letters.
 *
 * | kind       | form                       | who allots it                       |
 * |------------|----------------------------|-------------------------------------|
 * | kref       | `ko7` object, `kp7` promise| the kernel, once, never again       |
 * | vref       | `o+7` `p+7`                | the endpoint that exports it        |
 * |            | `o-7` `p-7`                | the kernel, for an import           |
 * |            | `o+d10/3:1` `o+v10/3:1`    | liveslots: durable, virtual objects |
 * | vat id     | `v3`                       | the kernel                          |
 * | cluster id | `c3`                       | the kernel                          |
 * | session id | `s3`                       | the kernel, for a client outside    |
 * | service id | `@timer`                   | nobody: it is the service's name    |
 *
 * An *endpoint* is whoever has an inbox and owns objects: a vat, a session, or a
 * service of the kernel. Vats and sessions have a c-list; a service, being part
 * of the kernel, speaks in krefs.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type KernelObjectRef = Branded<'kref'> & { readonly kind?: 'object' };
export type KernelPromiseRef = Branded<'kref'> & { readonly kind?: 'promise' };
export type Kref = Branded<'kref'>;
export type Vref = Branded<'vref'>;
export type VatId = Branded<'vatId'>;
export type SessionId = Branded<'sessionId'>;
export type ServiceId = Branded<'serviceId'>;
export type ClusterId = Branded<'clusterId'>;
export type EndpointId = VatId | SessionId | ServiceId;

/** The root object of every vat, in that vat's own words. */
export const ROOT_VREF = 'o+0' as Vref;

const KREF = /^k([op])(0|[1-9]\d{0,15})$/;
const VREF =
  /^([op])([+-])(?:(0|[1-9]\d{0,15})|([dv])([1-9]\d{0,15})(?:\/(0|[1-9]\d{0,15})(?::(0|[1-9]\d{0,4}))?)?)$/;
const VAT = /^v[1-9]\d{0,15}$/;
const SESSION = /^s[1-9]\d{0,15}$/;
const SERVICE = /^@[a-z][A-Za-z]{0,30}$/;
const CLUSTER = /^c([1-9]\d{0,15})$/;

export type RefKind = 'object' | 'promise';
const kindOf = (letter: string | undefined): RefKind =>
  letter === 'o' ? 'object' : 'promise';

/** Its parts, or undefined when the value is no kref. */
export const parseKref = (
  value: unknown,
): { kind: RefKind; index: number } | undefined => {
  const match = typeof value === 'string' ? KREF.exec(value) : null;
  return match
    ? { kind: kindOf(match[1]), index: Number(match[2]) }
    : undefined;
};

export type VrefParts = {
  kind: RefKind;
  /** True when the endpoint itself allotted it (`+`): an export. */
  isExport: boolean;
  /** True for an object that survives the loss of its vat's heap. */
  isDurable: boolean;
  /** The number of an import or of an ephemeral export; undefined for a virtual object. */
  index: number | undefined;
};

/** Its parts, or undefined when the value is no vref. A virtual vref is an exported object's. */
export const parseVref = (value: unknown): VrefParts | undefined => {
  const match = typeof value === 'string' ? VREF.exec(value) : null;
  if (!match) {
    return undefined;
  }
  const kind = kindOf(match[1]);
  const isExport = match[2] === '+';
  const isVirtual = match[4] !== undefined;
  if (isVirtual && (kind !== 'object' || !isExport)) {
    return undefined;
  }
  return {
    kind,
    isExport,
    isDurable: match[4] === 'd',
    index: isVirtual ? undefined : Number(match[3]),
  };
};

export const isKref = (value: unknown): value is Kref =>
  parseKref(value) !== undefined;
export const isVref = (value: unknown): value is Vref =>
  parseVref(value) !== undefined;
/** Which kind of endpoint one is, is asked with every delivery: most answers need but one letter. */
export const isVatId = (value: unknown): value is VatId =>
  typeof value === 'string' && value.charCodeAt(0) === 0x76 && VAT.test(value);
export const isSessionId = (value: unknown): value is SessionId =>
  typeof value === 'string' &&
  value.charCodeAt(0) === 0x73 &&
  SESSION.test(value);
export const isServiceId = (value: unknown): value is ServiceId =>
  typeof value === 'string' &&
  value.charCodeAt(0) === 0x40 &&
  SERVICE.test(value);
export const isClusterId = (value: unknown): value is ClusterId =>
  typeof value === 'string' && CLUSTER.test(value);

/** `ko…` as against `kp…`, for a value already known to be a kref. */
export const isPromiseKref = (kref: Kref): boolean =>
  kref.charCodeAt(1) === 0x70;

/** Its number: a greater one was allotted later. For a value already known to be a kref. */
export const indexOfKref = (kref: Kref): number => Number(kref.slice(2));

/** `p…` as against `o…`, for a value already known to be a vref. */
export const isPromiseVref = (vref: Vref): boolean =>
  vref.charCodeAt(0) === 0x70;

/** True when the endpoint that says this vref exports it, for a value already known to be a vref. */
export const isExportVref = (vref: Vref): boolean =>
  vref.charCodeAt(1) === 0x2b;

/** True for a vref of a durable object, for a value already known to be a vref. */
export const isDurableVref = (vref: Vref): boolean =>
  vref.charCodeAt(2) === 0x64;

export const makeKref = (kind: RefKind, index: number): Kref =>
  `k${kind === 'object' ? 'o' : 'p'}${index}` as Kref;
export const makeImportVref = (kind: RefKind, index: number): Vref =>
  `${kind === 'object' ? 'o' : 'p'}-${index}` as Vref;
export const makeExportVref = (kind: RefKind, index: number): Vref =>
  `${kind === 'object' ? 'o' : 'p'}+${index}` as Vref;
export const makeVatId = (index: number): VatId => `v${index}` as VatId;
export const makeSessionId = (index: number): SessionId =>
  `s${index}` as SessionId;
export const makeServiceId = (name: string): ServiceId =>
  `@${name}` as ServiceId;
export const makeClusterId = (index: number): ClusterId =>
  `c${index}` as ClusterId;

/**
 * A session's imports carry the kref's own number (`ko7` is `o-7`), so that a
 * presence can tell its kref.
 */
export const krefOfSessionImport = (vref: Vref): Kref | undefined => {
  const parts = parseVref(vref);
  return parts && !parts.isExport && parts.index !== undefined
    ? makeKref(parts.kind, parts.index)
    : undefined;
};

/** The vref by which a session imports the object or promise. */
export const sessionImportOf = (kref: Kref): Vref | undefined => {
  const parts = parseKref(kref);
  return parts && makeImportVref(parts.kind, parts.index);
};
