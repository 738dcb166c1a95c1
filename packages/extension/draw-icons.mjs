// @ts-check
/** Draws the icon, a barrel, as PNG files: no image is kept in the repository. */
import { Buffer } from 'node:buffer';
import { crc32, deflateSync } from 'node:zlib';

/** @typedef {readonly [red: number, green: number, blue: number, alpha: number]} Color */

/** @type {Color} */ const WOOD = [176, 112, 56, 255];
/** @type {Color} */ const DARK_WOOD = [140, 84, 38, 255];
/** @type {Color} */ const HOOP = [62, 66, 74, 255];
/** @type {Color} */ const NOTHING = [0, 0, 0, 0];

/**
 * The color at a point of the unit square.
 * @param {number} x
 * @param {number} y
 * @returns {Color}
 */
const colorAt = (x, y) => {
  const fromMiddle = (y - 0.5) / 0.46;
  if (Math.abs(fromMiddle) > 1) {
    return NOTHING;
  }
  const halfWidth = 0.3 + 0.12 * (1 - fromMiddle ** 2);
  const across = (x - 0.5) / halfWidth;
  if (Math.abs(across) > 1) {
    return NOTHING;
  }
  const hoops = [-0.84, -0.4, 0.4, 0.84];
  if (hoops.some(hoop => Math.abs(fromMiddle - hoop) < 0.09)) {
    return HOOP;
  }
  const stave = Math.floor((Math.asin(across) / Math.PI + 0.5) * 7);
  return stave % 2 === 0 ? DARK_WOOD : WOOD;
};

const SAMPLES = 4;

/** @param {number} size @param {number} column @param {number} row */
const pixelAt = (size, column, row) => {
  const sum = [0, 0, 0, 0];
  for (let index = 0; index < SAMPLES ** 2; index += 1) {
    const x = column + ((index % SAMPLES) + 0.5) / SAMPLES;
    const y = row + (Math.floor(index / SAMPLES) + 0.5) / SAMPLES;
    const [red, green, blue, alpha] = colorAt(x / size, y / size);
    const weight = alpha / 255;
    sum[0] += red * weight;
    sum[1] += green * weight;
    sum[2] += blue * weight;
    sum[3] += weight;
  }
  const weight = sum[3] || 1;
  return [
    sum[0] / weight,
    sum[1] / weight,
    sum[2] / weight,
    (255 * sum[3]) / SAMPLES ** 2,
  ].map(Math.round);
};

/** @param {string} name @param {Buffer} data */
const chunk = (name, data) => {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
};

/**
 * A square PNG file of the barrel.
 * @param {number} size in pixels
 */
export const drawIcon = size => {
  const rows = Array.from({ length: size }, (_, row) => [
    0,
    ...Array.from({ length: size }, (__, column) =>
      pixelAt(size, column, row),
    ).flat(),
  ]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  // Eight bits a channel, color with alpha.
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.from(rows.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};
