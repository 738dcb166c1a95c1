/** What a word of a protocol is made of, as data, and what such data is built by. */
export type Form =
  /** One of these values. */
  | { readonly is: 'one'; readonly of: readonly unknown[] }
  /** A `line` may have halves of surrogate pairs, for only people read it. */
  | { readonly is: 'text' | 'line' | 'reference' | 'number' | 'flag' }
  | { readonly is: 'list'; readonly of: Form }
  | { readonly is: 'tuple'; readonly of: readonly Form[] }
  /** With these fields; others are not read. */
  | { readonly is: 'record'; readonly fields: Readonly<Record<string, Form>> }
  /** The first is the most frequent one. */
  | { readonly is: 'either'; readonly of: readonly Form[] };

export type FieldForms<Type> = { readonly [Field in keyof Type]-?: Form };

export const one = (...of: readonly unknown[]): Form => ({ is: 'one', of });
export const listOf = (of: Form): Form => ({ is: 'list', of });
export const either = (...of: readonly Form[]): Form => ({ is: 'either', of });
export const maybe = (form: Form): Form => either(form, one(undefined));
export const record = <Type>(fields: FieldForms<Type>): Form => ({
  is: 'record',
  fields,
});
export const tuple = <Type extends readonly unknown[]>(
  ...of: FieldForms<Type> & readonly Form[]
): Form => ({ is: 'tuple', of });

export const TEXT: Form = { is: 'text' };
export const LINE: Form = { is: 'line' };
export const REFERENCE: Form = { is: 'reference' };
export const NUMBER: Form = { is: 'number' };
export const FLAG: Form = { is: 'flag' };
export const REFERENCES = listOf(REFERENCE);
