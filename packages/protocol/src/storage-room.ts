/** Bytes that what is stored takes, and that it may still take. */
export type StorageRoom = {
  readonly used: number;
  readonly left: number;
  /** From `short` on people are warned, from `scarce` on nothing is launched; the kernel stops before it is `full`. */
  readonly level: 'ample' | 'short' | 'scarce' | 'full';
};

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** `640 bytes`, `12.5 MB`: a person compares it and does not count. */
export const sizeInWords = (bytes: number): string => {
  let size = bytes;
  let unit = 0;
  while (size >= 1_000 && unit < UNITS.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${size.toLocaleString('en-US', { maximumFractionDigits: unit === 0 ? 0 : 1 })} ${UNITS[unit]}`;
};

/** How full the storage is, for people. */
export const describeRoom = ({
  used,
  left,
}: Pick<StorageRoom, 'used' | 'left'>): string =>
  `${sizeInWords(used)} are stored and ${sizeInWords(left)} are left (${Math.floor((100 * used) / Math.max(1, used + left))} % full)`;
