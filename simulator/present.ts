import type { KubeList, KubeObject } from './types.ts';

/** What the Accept header asks for: whole objects, or their metadata only. */
export type Presentation = 'whole' | 'metadata';

/** `application/json;as=PartialObjectMetadata(List);g=meta.k8s.io;v=v1` asks for metadata; the first wish counts. */
export function presentationOf(accept: string): Presentation {
  return /^[^,]*;as=PartialObjectMetadata(List)?(;|,|$)/.test(accept) ? 'metadata' : 'whole';
}

/** An object as it goes out. */
export function presentObject(object: KubeObject, presentation: Presentation): KubeObject {
  if (presentation === 'whole') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

/** A list as it goes out. */
export function presentList(list: KubeList, presentation: Presentation): KubeList {
  if (presentation === 'whole') return list;
  const items = (list.items ?? []).map((object) => presentObject(object, presentation));
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: 'meta.k8s.io/v1',
    metadata: list.metadata,
    items: items.length === 0 ? null : items,
  };
}
