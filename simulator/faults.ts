/** What goes wrong. "Applied" means that the request took effect before the trouble. */
export type Fault =
  /** An error instead of the answer; not applied. */
  | {
      readonly kind: 'status';
      readonly code: number;
      /** The usual reason and message of that code when absent. */
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
      /** text/plain and no Status, as API priority-and-fairness and proxies answer. */
      readonly plainText?: boolean;
      /** A page, and no Status, as proxies answer for themselves. */
      readonly html?: boolean;
    }
  /** This instead of the answer, as JSON unless it is a string; not applied. */
  | { readonly kind: 'answer'; readonly code: number; readonly body: unknown; readonly contentType?: string }
  /** Accepts the request and never answers; not applied. */
  | { readonly kind: 'stall' }
  /** Headers and half of the body, then silence; applied. */
  | { readonly kind: 'stallBody' }
  /** Headers and half of the body, then the connection breaks; applied. */
  | { readonly kind: 'truncate' }
  /** The connection breaks instead of an answer; applied. */
  | { readonly kind: 'drop' }
  /** The connection breaks at once; not applied. */
  | { readonly kind: 'refuse' }
  /** Answers as usual, but milliseconds later; applied then. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Never answers, and is applied milliseconds later, when the client has given up or not. */
  | { readonly kind: 'late'; readonly ms: number }
  /** A watch that begins with this line, for example half an object. */
  | { readonly kind: 'watchLine'; readonly line: string }
  /** A watch whose connection breaks before its nth event (0: at once). */
  | { readonly kind: 'watchCut'; readonly afterEvents: number }
  /** A watch that ends in good order as soon as it has begun. */
  | { readonly kind: 'watchEnd' }
  /** A watch of which nothing is heard any more from its nth event on (0: from the beginning), though it stays open. */
  | { readonly kind: 'watchSilent'; readonly afterEvents: number }
  /** A watch that, after its nth event (bookmarks not counted), delivers its first event again, as MODIFIED. */
  | { readonly kind: 'watchReplay'; readonly afterEvents: number }
  /** A watch answered with the ERROR event of a forgotten version. */
  | { readonly kind: 'watchExpired' };

export interface FaultRule {
  readonly fault: Fault;
  /** For example 'PATCH'; absent: any. A watch is a GET. */
  readonly method?: string;
  /** Tried on the path with its query, as sent; absent: any. */
  readonly path?: RegExp;
  /** Tried on the body as sent; absent: any, or none. */
  readonly body?: RegExp;
  /** How many requests it hits until it is spent; absent: unlimited. */
  readonly times?: number;
}

/** What of a request decides whether a fault hits it. */
export type FaultTarget = { readonly method: string; readonly path: string; readonly body: string };

/** A rule in force. */
export interface ActiveFault {
  /** How many requests it hit. */
  readonly hits: number;
  remove(): void;
}

/** The rules of one simulator. The first that matches a request and is not spent hits it. */
export class Faults {
  #rules: { rule: FaultRule; hits: number }[] = [];

  add(rule: FaultRule): ActiveFault {
    const active = { rule, hits: 0 };
    this.#rules.push(active);
    return {
      get hits() {
        return active.hits;
      },
      remove: () => {
        this.#rules = this.#rules.filter((other) => other !== active);
      },
    };
  }

  /** Everything works again. What stalls already stays so. */
  clear(): void {
    this.#rules = [];
  }

  /** The fault that hits this request, if any; it is counted. A watch fault hits watches only. */
  take({ method, path, body }: FaultTarget, isWatch: boolean): Fault | undefined {
    const active = this.#rules.find(({ rule, hits }) => {
      if (hits >= (rule.times ?? Number.POSITIVE_INFINITY)) return false;
      if (rule.fault.kind.startsWith('watch') && !isWatch) return false;
      const isMethod = (rule.method ?? method) === method;
      return isMethod && (rule.path?.test(path) ?? true) && (rule.body?.test(body) ?? true);
    });
    if (active === undefined) return undefined;
    active.hits += 1;
    return active.rule.fault;
  }
}
