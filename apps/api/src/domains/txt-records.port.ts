/** What DNS says about a name. Silence is no answer: nobody loses anything by it. */
export type TxtAnswer =
  | { readonly kind: 'found'; readonly texts: readonly string[] }
  /** There is no such name, or it has no TXT record. */
  | { readonly kind: 'none' }
  /** Nobody answered, or not with an answer. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface TxtRecords {
  /** TXT records of a name, aliases followed, the pieces of each joined. Never rejects. */
  at(name: string): Promise<TxtAnswer>;
}
