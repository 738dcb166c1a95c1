/** What people and vats may call a cluster, a vat, a bundle, a power. */
export const NAME = Object.freeze(/^[A-Za-z][\w.-]{0,62}$/);

export const isName = (value: unknown): value is string =>
  typeof value === 'string' && NAME.test(value);
