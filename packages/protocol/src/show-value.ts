const MOST_UNITS = 80;

/**
 * A value from outside as an error names it: text in quotes, cut at 80 units, and
 * of everything else at most its kind. Never throws, as `JSON.stringify` does on
 * a bigint and on deep nesting.
 */
export const showValue = (value: unknown): string => {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(
        value.length > MOST_UNITS ? `${value.slice(0, MOST_UNITS)}…` : value,
      );
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      if (value === null) {
        return 'null';
      }
      return Array.isArray(value) ? 'a list' : 'an object';
    default:
      return `a ${typeof value}`;
  }
};
