/** `1 vat`, `1,200 vats`. */
export const counted = (count: number, one: string): string =>
  `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`;

/** `64 bytes`, `12.5 kB`: a person compares it and does not count. */
export const sizeOf = (bytes: number): string =>
  bytes < 1_000
    ? counted(bytes, 'byte')
    : `${(bytes / 1_000).toLocaleString('en-US', { maximumFractionDigits: 1 })} kB`;
