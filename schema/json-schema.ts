/** The part of draft-07 that our schema uses and the generator reads; every other keyword passes through untouched. */
export type JsonSchema = {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly definitions?: Definitions;
};

/** The named schemas of a file. */
export type Definitions = Readonly<Record<string, JsonSchema>>;

/** Applies `change` to every value of a record, keeping its keys and their order. */
export function mapValues<From, To>(record: Readonly<Record<string, From>>, change: (value: From) => To) {
  return Object.fromEntries(Object.entries(record).map(([key, value]): [string, To] => [key, change(value)]));
}
